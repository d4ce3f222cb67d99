/** State files: a damaged one is refused by name or read as far as it makes sense; nothing else may come of it. */
import { StorageError } from '../../src/storage/index.ts'
import { fuzz } from './targets/run.ts'
import { DHT_TARGETS, STORAGE_TARGETS } from './targets/state-files.ts'

fuzz(STORAGE_TARGETS, (error) => error instanceof StorageError && error.code === 'STORAGE_BAD_FILE')
// A cache is never worth an error.
fuzz(DHT_TARGETS, () => false)
