import { messageOf } from '../base/index.ts'
import { type DataMap, parseDataMapFile } from '../self-encryption/index.ts'
import { CliError } from './args.ts'
import { readLimited } from './read-limited.ts'

/** Larger than any data map in use: a root map of this many bytes describes half a terabyte. */
const MAX_DATA_MAP_FILE_BYTES = 16 * 1024 * 1024

/** A `.datamap` file: its bytes, and that they are a data map. */
export async function readDataMapFile(path: string): Promise<{ bytes: Uint8Array; dataMap: DataMap }> {
  const bytes = await readLimited(path, MAX_DATA_MAP_FILE_BYTES, 'a data map')
  try {
    return { bytes, dataMap: parseDataMapFile(bytes) }
  } catch (error) {
    throw new CliError(`${path} is no usable data map: ${messageOf(error).replace(/^data map: /, '')}`)
  }
}
