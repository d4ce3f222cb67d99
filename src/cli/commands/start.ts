/** `npm start`: a local network, a real file there and back, and a network to play with until Ctrl-C. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../base/index.ts'
import { countCopies, startDevnet } from '../../devnet/index.ts'
import { networkDriver } from '../../node/index.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { withClient } from '../network-client.ts'
import { formatBytes, formatMs } from '../output.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { sameFile } from '../same-file.ts'
import { selfProgram } from '../self-program.ts'
import { untilAborted } from '../until-aborted.ts'

/** Six chunks, three of the shrunk map, the map itself: every part of the path is walked. */
const SAMPLE_BYTES = 20 * 1024 * 1024 + 1

export const start = defineCommand({
  name: 'start',
  summary: 'start a local network, send a sample file round, stay until Ctrl-C',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    nodes: { type: 'integer', min: 1, max: 200, help: 'how many nodes (default 8)' },
    once: { type: 'boolean', help: 'exit after the round trip: 0 when every byte came back' },
    ...PROFILE_FLAGS,
  },
  async run({ values, signal, output }) {
    const { tuning } = profileOf(values)
    const quic = networkDriver()
    if (!quic.available) {
      output.error(`the local network needs the native core: ${quic.detail}`)
      return EXIT.failure
    }
    const total = values.nodes ?? 8
    const began = systemClock.monotonic()
    const work = await mkdtemp(join(tmpdir(), 'myrmex-start-'))
    try {
      await using network = await startDevnet(
        {
          nodes: total,
          dataDir: join(work, 'network'),
          inProcess: false,
          detached: false,
          keep: false,
          logLevel: 'info',
          program: selfProgram(),
          profile: { profile: values.profile, set: values.set },
          onProgress: (done) => output.bar('starting', done, total, 'nodes'),
        },
        signal,
      )
      const upAfter = systemClock.monotonic() - began
      output.print(`${total} nodes are up after ${formatMs(upAfter)}, talking post-quantum QUIC on 127.0.0.1.`)

      const sample = join(work, 'sample.bin')
      const copy = join(work, 'copy.bin')
      await writeFile(sample, systemRandom.bytes(SAMPLE_BYTES))
      const manifest = network.manifestPath

      const beforeUpload = systemClock.monotonic()
      const uploaded = await withClient({ manifest, tuning }, signal, (client) =>
        client.uploadFile(sample, {
          public: true,
          signal,
          onProgress: (p) => output.bar('uploading', p.done, p.total ?? 0, 'chunks'),
        }),
      )
      const uploadMs = systemClock.monotonic() - beforeUpload
      const copies = await countCopies(network.nodes, uploaded.addresses)
      const perChunk = copies.reduce((sum, count) => sum + count, 0) / copies.length
      output.print(
        `Uploaded ${formatBytes(uploaded.size)} as ${uploaded.chunks} chunks in ${formatMs(uploadMs)}: ${perChunk.toFixed(1)} copies of each, ${Math.min(...copies)} at least.`,
      )

      const beforeDownload = systemClock.monotonic()
      const address = uploaded.address as string
      await withClient({ manifest, tuning }, signal, (client) =>
        client.downloadTo(address, copy, {
          signal,
          onProgress: (p) => output.bar('downloading', p.done, p.total ?? 0, 'chunks'),
        }),
      )
      const downloadMs = systemClock.monotonic() - beforeDownload
      const same = await sameFile(sample, copy)
      if (!same) {
        output.error('the file came back different: please report this')
        return EXIT.failure
      }
      output.print(`Another client read it back in ${formatMs(downloadMs)}: every byte is the same.`)
      if (values.once) return EXIT.success

      output.print(
        [
          '',
          'The network stays up. In a second terminal:',
          `  npm run myrmex -- file download ${address} -o copy.bin --devnet-manifest '${manifest}'`,
          `  npm run myrmex -- file upload PATH --public --devnet-manifest '${manifest}'`,
          `  npm run myrmex -- devnet status --data '${network.folder.path}'`,
          'Press Ctrl-C to stop and clean up.',
        ].join('\n'),
      )
      await untilAborted(signal)
      output.note('Stopping the nodes ...')
      return EXIT.success
    } finally {
      output.clearBar()
      await rm(work, { recursive: true, force: true, maxRetries: 3 })
    }
  },
})
