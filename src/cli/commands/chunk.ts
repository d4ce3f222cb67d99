/** `myrmex chunk put|get`: single chunks, binary safe, by file or by pipe. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { systemRandom } from '../../base/index.ts'
import { createLocalFiles } from '../../client/index.ts'
import { MAX_CHUNK_BYTES, parseChunkAddress } from '../../protocol/index.ts'
import { CliError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { clientFlags, withClient } from '../network-client.ts'
import { formatBytes } from '../output.ts'
import { CONNECT_FLAGS, OVERWRITE_FLAG } from '../shared-flags.ts'

export const chunkPut = defineCommand({
  name: 'chunk put',
  summary: 'store one chunk of at most 4 MiB (from standard input without FILE) and print its address',
  usage: '[FILE]',
  positionals: { min: 0, max: 1 },
  flags: CONNECT_FLAGS,
  async run({ values, positionals, signal, output }) {
    const path = positionals[0]
    const content = await readInput(path === '-' ? undefined : path, signal)
    if (content.length > MAX_CHUNK_BYTES)
      throw new CliError(`this is more than the ${formatBytes(MAX_CHUNK_BYTES)} of a chunk: use myrmex file upload`)
    return withClient(clientFlags(values), signal, async (client) => {
      const { address, stored, acks } = await client.putChunk(content, { signal })
      output.result({ address, size: content.length, stored: stored === 'new', acks })
      output.print(address)
      return EXIT.success
    })
  },
})

export const chunkGet = defineCommand({
  name: 'chunk get',
  summary: 'fetch one chunk (to standard output without -o)',
  usage: 'ADDRESS',
  positionals: { min: 1, max: 1 },
  flags: {
    ...CONNECT_FLAGS,
    out: { type: 'path', short: 'o', help: 'file to write', placeholder: 'FILE' },
    overwrite: OVERWRITE_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const address = parseChunkAddress(positionals[0] as string)
    if (values.json && values.out === undefined) throw new CliError('with --json name a file for the bytes: -o FILE')
    const files = createLocalFiles({ random: systemRandom })
    if (values.out !== undefined) await files.refuseExisting(values.out, { overwrite: values.overwrite, as: 'file' })
    const content = await withClient(clientFlags(values), signal, (client) => client.getChunk(address, { signal }))
    if (values.out === undefined) await output.bytes(content)
    else await files.writeFile(values.out, [content], { overwrite: values.overwrite, bytes: content.length, signal })
    output.result({ address, size: content.length, file: values.out === undefined ? null : resolve(values.out) })
    return EXIT.success
  },
})

/** A file or standard input to its end; more than a chunk ends it early. */
async function readInput(path: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
  if (path !== undefined && (await stat(path)).isDirectory()) throw new CliError(`${path} is a folder, not a file`)
  const input = path === undefined ? process.stdin : createReadStream(path)
  const parts: Buffer[] = []
  let size = 0
  for await (const part of addAbortSignal(signal, input) as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.length
    if (size > MAX_CHUNK_BYTES) break
  }
  return new Uint8Array(Buffer.concat(parts))
}
