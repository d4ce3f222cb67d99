/** State files: a damaged one is refused by name or read as far as it makes sense; nothing else may come of it. */
import { ReplicationError } from '../../src/replication/index.ts'
import { StorageError } from '../../src/storage/index.ts'
import { fuzz } from './targets/run.ts'
import { DHT_TARGETS, REPLICATION_TARGETS, STORAGE_TARGETS } from './targets/state-files.ts'

fuzz(STORAGE_TARGETS, (error) => error instanceof StorageError && error.code === 'STORAGE_BAD_FILE')
fuzz(REPLICATION_TARGETS, (error) => error instanceof ReplicationError && error.code === 'REPLICATION_MEMORY')
// A cache is never worth an error.
fuzz(DHT_TARGETS, () => false)
