/** Odd inputs and targets of the offline commands: refused early, in one sentence, with nothing left behind. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemRandom, toHex } from '../../src/base/index.ts'
import { parseDataMapFile } from '../../src/self-encryption/index.ts'
import { type CliRun, cli, cliJson } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

interface Encrypted {
  addresses: string[]
  datamap_file: string
}

function refused({ code, stdout, stderr }: CliRun, pattern: RegExp, expectedCode = 1): void {
  assert.equal(code, expectedCode, stdout + stderr)
  assert.equal(stdout, '')
  assert.match(stderr, pattern)
  if (expectedCode === 1) assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
}

test('encrypt leaves no folder behind when it fails, and names what is in its way', async () => {
  await using folder = await tempFolder()
  const at = (...parts: string[]) => join(folder.path, ...parts)
  await writeFile(at('two'), 'ab')
  await writeFile(at('file'), 'some content')
  const before = await readdir(folder.path)
  refused(await cli(['encrypt', at('two'), '--out', at('new', 'deep')]), /too small.*at least 3/)
  refused(await cli(['encrypt', at('file'), '--out', at('two')]), /two cannot be made: it is a file$/m)
  refused(await cli(['encrypt', at('file'), '--out', at('two', 'below')]), /cannot be made/)
  assert.deepEqual(await readdir(folder.path), before)
})

test('decrypt refuses what is no data map and no place for a file before it works', async (t) => {
  await using folder = await tempFolder()
  const at = (...parts: string[]) => join(folder.path, ...parts)
  await writeFile(at('plain'), systemRandom.bytes(4000))
  const { addresses, datamap_file } = await cliJson<Encrypted>(['encrypt', at('plain'), '--out', at('out')])
  await mkdir(at('empty'))
  const before = (await readdir(folder.path)).sort()
  const decrypt = (map: string, out: string, ...more: string[]) =>
    cli(['decrypt', map, '--chunks', at('out'), '-o', out, ...more])
  refused(await decrypt(at('empty'), at('x')), /is a folder, not a data map/)
  refused(await decrypt(at('plain'), at('x')), /plain is no usable data map/)
  refused(await decrypt(at('gone'), at('x')), /there is no file .*gone/)
  refused(await decrypt(datamap_file, at('gone', 'x')), /cannot write to .*gone: it does not exist$/m)
  refused(await decrypt(datamap_file, at('empty'), '--overwrite'), /empty: it is a folder/)
  refused(await decrypt(datamap_file, at('out', addresses[0] as string), '--overwrite'), /is the name of a chunk/)
  const fifo = process.platform !== 'win32' && spawnSync('mkfifo', [at('fifo')]).status === 0
  if (fifo) refused(await decrypt(at('fifo'), at('x')), /not a regular file/)
  else t.diagnostic('no mkfifo here')
  await rm(at('fifo'), { force: true })
  await rm(at('out', addresses[1] as string))
  await mkdir(at('out', addresses[1] as string))
  refused(await decrypt(datamap_file, at('x')), new RegExp(`${addresses[1]}.*that is a folder`))
  assert.deepEqual((await readdir(folder.path)).sort(), before)
})

test('a data map in its JSON form with upper-case hex decrypts too', async () => {
  await using folder = await tempFolder()
  const at = (name: string) => join(folder.path, name)
  const plain = systemRandom.bytes(9000)
  await writeFile(at('plain'), plain)
  const { datamap_file } = await cliJson<Encrypted>(['encrypt', at('plain'), '--out', folder.path])
  const { entries } = parseDataMapFile(new Uint8Array(await readFile(datamap_file)))
  const chunks = entries.map(({ index, address, source, size }) => ({
    index,
    dst_hash: address.toUpperCase(),
    src_hash: toHex(source).toUpperCase(),
    src_size: size,
  }))
  await writeFile(at('json.datamap'), JSON.stringify({ chunk_identifiers: chunks, child: null }))
  await cliJson(['decrypt', at('json.datamap'), '-o', at('back')])
  assert.ok(Buffer.from(plain).equals(await readFile(at('back'))))
})

test('interrupted work ends with 130 and leaves nothing', async () => {
  await using folder = await tempFolder()
  const big = join(folder.path, 'big')
  const out = join(folder.path, 'out')
  await writeFile(big, Buffer.alloc(200_000_000))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn(process.execPath, [MAIN, 'encrypt', big, '--out', out], { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', (code, name) => resolve(code ?? name)))
    // The first file in the folder says that the work is under way.
    while ((await readdir(out).catch(() => [])).length === 0 && child.exitCode === null) await nextTick()
    child.kill(signal)
    assert.equal(await ended, 130)
    assert.deepEqual(await readdir(folder.path), ['big'])
  }
})

test('flags, help and streams keep their promises', async () => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, '-h'), 'a file with the name of a flag')
  const inFolder = (args: string[], env: Record<string, string> = {}) => cli(args, { cwd: folder.path, env })
  assert.equal((await inFolder(['encrypt', '--out', 'o', '--json', '--', '-h'])).code, 0)
  assert.deepEqual(
    (await readdir(join(folder.path, 'o'))).filter((name) => name.endsWith('.datamap')),
    ['-h.datamap'],
  )
  const help = await inFolder(['help', 'file', 'upload'])
  assert.equal(help.code, 0)
  assert.match(help.stdout, /Usage: myrmex file upload PATH/)
  refused(await inFolder(['--json']), /name a command/, 2)
  refused(await inFolder(['help', 'nothing']), /unknown command "nothing"/, 2)
  refused(await inFolder(['encrypt', '']), /must not be empty/, 2)
  refused(await inFolder(['node', 'run'], { ANT_IPV4_ONLY: 'maybe' }), /ANT_IPV4_ONLY takes true or false/, 2)
  refused(await inFolder(['encrypt', 'a\u001b[2J\nb']), /a\\u001b\[2J\\nb: it does not exist/)
  if (process.platform === 'linux') {
    const full = spawnSync('sh', ['-c', '"$0" "$1" --help > /dev/full', process.execPath, MAIN], { encoding: 'utf8' })
    assert.deepEqual([full.status, /^Error: cannot write to standard output: .*full/.test(full.stderr)], [1, true])
  }
})

function nextTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
