/** `myrmex decrypt DATAMAP --chunks DIR -o FILE`: chunks and a data map back to the file, without a network. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf, systemClock, systemRandom } from '../../base/index.ts'
import { createLocalFiles } from '../../client/index.ts'
import { createPiscinaCompute } from '../../compute/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../../protocol/index.ts'
import { dataMapSize, decryptStream, resolveRootMap } from '../../self-encryption/index.ts'
import { CliError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { readDataMapFile } from '../data-map-file.ts'
import { EXIT } from '../exit-codes.ts'
import { explain } from '../explain.ts'
import { formatBytes } from '../output.ts'
import { readUpTo } from '../read-limited.ts'
import { JSON_FLAG, OVERWRITE_FLAG } from '../shared-flags.ts'

export const decrypt = defineCommand({
  name: 'decrypt',
  summary: 'put a file together again from its chunks and data map, without a network',
  usage: 'DATAMAP --chunks DIR -o FILE',
  positionals: { min: 1, max: 1 },
  flags: {
    chunks: { type: 'path', help: 'folder with the chunks (default: that of the data map)', placeholder: 'DIR' },
    out: {
      type: 'path',
      short: 'o',
      help: 'file to write (default: the name of the data map without .datamap)',
      placeholder: 'FILE',
    },
    overwrite: OVERWRITE_FLAG,
    json: JSON_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const mapFile = resolve(positionals[0] as string)
    const folder = resolve(values.chunks ?? join(mapFile, '..'))
    const target = resolve(values.out ?? basename(mapFile).replace(/\.datamap$/, ''))
    if (target === mapFile) throw new CliError(`name the file to write with -o FILE: ${mapFile} is the data map`)
    if (dirname(target) === folder && /^[0-9a-f]{64}$/.test(basename(target)))
      throw new CliError(`${target} is the name of a chunk: name another file with -o FILE`)
    const files = createLocalFiles({ random: systemRandom })
    await files.refuseExisting(target, { overwrite: values.overwrite, as: 'file' })
    const { dataMap } = await readDataMapFile(mapFile)
    const compute = createPiscinaCompute({ clock: systemClock })
    try {
      const fetchChunk = (address: ChunkAddress) => readChunk(folder, address)
      const rootMap = await resolveRootMap(dataMap, { fetchChunk, compute, signal })
      const size = dataMapSize(rootMap)
      const content = decryptStream(rootMap, { fetchChunk, compute, signal, reclaim: true })
      await files.writeFile(target, content, { overwrite: values.overwrite, bytes: size, signal })
      output.result({ file: target, size })
      output.print(`${formatBytes(size)} written to ${target}`)
      return EXIT.success
    } finally {
      await compute.stop()
    }
  },
})

async function readChunk(folder: string, address: ChunkAddress): Promise<Uint8Array> {
  try {
    const handle = await open(join(folder, address), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      // Whatever is longer than any chunk fails the check of its hash.
      return await readUpTo(handle, MAX_CHUNK_BYTES + 1)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new CliError(`it is not in ${folder}`)
    throw new CliError(explain(error))
  }
}
