/** `myrmex encrypt PATH --out DIR`: a file to chunks and a data map, without a network. */
import { readFile, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { equal, systemClock, systemRandom, toHex } from '../../base/index.ts'
import { createLocalFiles } from '../../client/index.ts'
import { createPiscinaCompute } from '../../compute/index.ts'
import { dataMapAddress, encodeDataMap, encryptStream } from '../../self-encryption/index.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { makeFolder, removeEmpty } from '../folders.ts'
import { formatBytes } from '../output.ts'
import { JSON_FLAG, OVERWRITE_FLAG } from '../shared-flags.ts'

export const encrypt = defineCommand({
  name: 'encrypt',
  summary: 'self-encrypt a file into chunks and a data map, without a network',
  usage: 'PATH --out DIR',
  positionals: { min: 1, max: 1 },
  flags: {
    out: {
      type: 'path',
      short: 'o',
      help: 'folder for the chunks and the data map (made when missing)',
      placeholder: 'DIR',
    },
    overwrite: OVERWRITE_FLAG,
    json: JSON_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const path = positionals[0] as string
    const out = resolve(values.out ?? '.')
    const files = createLocalFiles({ random: systemRandom })
    const compute = createPiscinaCompute({ clock: systemClock })
    const mapFile = join(out, `${basename(resolve(path))}.datamap`)
    const written: string[] = []
    let made: string | undefined
    const source = await files.openFile(path)
    try {
      made = await makeFolder(out)
      await files.refuseExisting(mapFile, { overwrite: values.overwrite, as: 'file' })
      let sealed = 0
      const result = await encryptStream(source, {
        compute,
        signal,
        reclaim: true,
        onChunk: async ({ address, content }) => {
          const target = join(out, address)
          const there = await readFile(target).catch(() => undefined)
          if (!there || !equal(there, content)) {
            await files.writeFile(target, [content], { overwrite: true, bytes: content.length, signal })
            if (!there) written.push(target)
          }
          output.bar('encrypting', ++sealed, 0, 'chunks')
        },
      })
      await source.verifyUnchanged()
      const map = encodeDataMap(result.dataMap)
      await files.writeFile(mapFile, [map], { overwrite: values.overwrite, bytes: map.length, signal })
      output.result({
        content_blake3: toHex(result.contentHash),
        size: result.size,
        addresses: result.addresses,
        datamap_address: dataMapAddress(result.dataMap),
        datamap_file: mapFile,
      })
      output.print(
        `${formatBytes(result.size)} became ${result.addresses.length} chunks in ${out}\nData map: ${mapFile} (the only key to the file)`,
      )
      return EXIT.success
    } catch (error) {
      await Promise.all(written.map((target) => rm(target, { force: true })))
      if (made !== undefined) await removeEmpty(out, made)
      throw error
    } finally {
      await source.close()
      await compute.stop()
    }
  },
})
