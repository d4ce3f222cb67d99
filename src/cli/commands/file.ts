/** `myrmex file upload|download`: files and folders to the network and back. */
import { access } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemClock, systemRandom } from '../../base/index.ts'
import { createLocalFiles, type Progress, type UploadResult } from '../../client/index.ts'
import { CliError, UsageError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { readDataMapFile } from '../data-map-file.ts'
import { EXIT } from '../exit-codes.ts'
import { clientFlags, withClient } from '../network-client.ts'
import { formatBytes, formatMs, type Output, visible } from '../output.ts'
import { CONNECT_FLAGS, OVERWRITE_FLAG } from '../shared-flags.ts'

export const fileUpload = defineCommand({
  name: 'file upload',
  summary: 'store a file or a folder',
  usage: 'PATH',
  positionals: { min: 1, max: 1 },
  flags: {
    public: { type: 'boolean', help: 'store the data map too: whoever has the address can read the file' },
    datamap: {
      type: 'path',
      help: 'where the data map of a private upload goes (default: PATH.datamap)',
      placeholder: 'FILE',
    },
    overwrite: { type: 'boolean', help: 'replace an existing .datamap file' },
    ...CONNECT_FLAGS,
  },
  async run({ values, positionals, signal, output }) {
    const path = resolve(positionals[0] as string)
    if (values.public && values.datamap !== undefined)
      throw new UsageError('--datamap is for private uploads: leave out --public')
    const files = createLocalFiles({ random: systemRandom })
    const kind = await files.kindOf(path)
    // The data map is the only key to a private upload: a place for it is found before anything is sent.
    const mapFile = values.public ? undefined : await dataMapPath(path, values)
    const result = await withClient(clientFlags(values), signal, (client) => {
      const options = {
        signal,
        public: values.public,
        onProgress: (progress: Progress) => showProgress(output, progress),
      }
      return kind === 'directory' ? client.uploadDirectory(path, options) : client.uploadFile(path, options)
    })
    if (mapFile !== undefined) {
      // Stored or not, an interrupt now must not lose the key.
      const write = { overwrite: values.overwrite, bytes: result.dataMap.length, signal: new AbortController().signal }
      await files.writeFile(mapFile, [result.dataMap], write)
    }
    output.clearBar()
    reportUpload(output, result, mapFile)
    return EXIT.success
  },
})

function reportUpload(output: Output, result: UploadResult, mapFile: string | undefined): void {
  output.result({
    kind: result.kind,
    ...(result.address === undefined ? {} : { address: result.address }),
    ...(mapFile === undefined ? {} : { datamap: mapFile }),
    chunks: result.chunks,
    chunks_stored: result.chunksStored,
    size: result.size,
    elapsed_ms: Math.round(result.elapsedMs),
    ...(result.files === undefined ? {} : { files: result.files }),
    ...(result.skipped === undefined ? {} : { skipped: result.skipped }),
  })
  for (const { path, reason } of result.skipped ?? []) output.note(`left out ${visible(path)}: ${reason}`)
  output.print('Upload complete!')
  output.print(
    result.address === undefined
      ? `Data map:  ${mapFile} (the only key to it: keep it)`
      : `Address:   ${result.address}`,
  )
  output.print(`Chunks:    ${result.chunks}, of which ${result.chunksStored} were new to the network`)
  output.print(`Size:      ${formatBytes(result.size)}`)
  output.print(`Time:      ${formatMs(result.elapsedMs)}`)
  output.print(`Get it:    myrmex file download ${result.address ?? `'${mapFile}'`} -o OUT`)
}

/** `PATH.datamap`; a name that is taken gets `-2`, `-3` … before the ending, unless it may be overwritten. */
async function dataMapPath(path: string, values: { datamap: string | undefined; overwrite: boolean }): Promise<string> {
  const wanted = values.datamap === undefined ? undefined : resolve(values.datamap)
  const folder = wanted === undefined ? dirname(path) : dirname(wanted)
  await access(folder, 2).catch(() => {
    throw new CliError(
      `the data map cannot be written to ${folder}: name another place with --datamap FILE, or use --public`,
    )
  })
  const free = (candidate: string) =>
    access(candidate).then(
      () => false,
      () => true,
    )
  if (wanted !== undefined) {
    if (!values.overwrite && !(await free(wanted)))
      throw new CliError(`${wanted} exists: use another name or --overwrite`)
    return wanted
  }
  const name = basename(path) || 'datamap'
  for (let n = 1; n <= 1000; n++) {
    const candidate = join(folder, n === 1 ? `${name}.datamap` : `${name}-${n}.datamap`)
    if (values.overwrite || (await free(candidate))) return candidate
  }
  throw new CliError(`there are a thousand data maps of ${name} in ${folder}: name one with --datamap FILE`)
}

export const fileDownload = defineCommand({
  name: 'file download',
  summary: 'fetch a file or a folder by its public address or its .datamap file',
  usage: 'ADDRESS|DATAMAP -o OUT',
  positionals: { min: 0, max: 1 },
  flags: {
    out: {
      type: 'path',
      short: 'o',
      help: 'file or folder to write (default for a data map: its name without .datamap)',
      placeholder: 'OUT',
    },
    datamap: { type: 'path', help: 'data map, in place of the positional', placeholder: 'FILE' },
    raw: { type: 'boolean', help: 'write the content as one file even when it is a folder' },
    overwrite: OVERWRITE_FLAG,
    ...CONNECT_FLAGS,
  },
  async run({ values, positionals, signal, output }) {
    const named = positionals[0]
    if ((named === undefined) === (values.datamap === undefined))
      throw new UsageError('name one ADDRESS or one data map')
    const { reference, defaultName } = await resolveReference(named, values.datamap)
    const out = values.out ?? defaultName
    if (out === undefined) throw new UsageError('name the file to write: -o OUT')
    const files = createLocalFiles({ random: systemRandom })
    await files.refuseExisting(resolve(out), { overwrite: values.overwrite })
    const started = systemClock.monotonic()
    const result = await withClient(clientFlags(values), signal, (client) =>
      client.downloadTo(reference, resolve(out), {
        signal,
        overwrite: values.overwrite,
        as: values.raw ? 'file' : 'auto',
        onProgress: (progress) => showProgress(output, progress),
      }),
    )
    const elapsedMs = systemClock.monotonic() - started
    output.clearBar()
    output.result({ file: result.path, kind: result.kind, size: result.size, elapsed_ms: Math.round(elapsedMs) })
    output.print(
      `Download complete!\n${result.kind === 'directory' ? 'Folder' : 'File'}:  ${result.path}\nSize:  ${formatBytes(result.size)}\nTime:  ${formatMs(elapsedMs)}`,
    )
    return EXIT.success
  },
})

async function resolveReference(
  named: string | undefined,
  datamap: string | undefined,
): Promise<{ reference: string | Uint8Array; defaultName?: string }> {
  if (named !== undefined && /^[0-9a-fA-F]{64}$/.test(named)) return { reference: named }
  const path = (datamap ?? named) as string
  await access(path).catch(() => {
    throw new CliError(`"${path}" is neither an address of 64 hex digits nor a data map file`)
  })
  const name = basename(path)
  const { bytes: reference } = await readDataMapFile(path)
  return name.endsWith('.datamap') ? { reference, defaultName: name.slice(0, -'.datamap'.length) } : { reference }
}

function showProgress(output: Output, { phase, done, total }: Progress): void {
  output.bar(phase, done, total ?? 0, phase === 'scanning' ? 'entries' : 'chunks')
}
