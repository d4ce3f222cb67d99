/** Commands that need no network. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemRandom, toHex } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { cli, cliJson } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

interface Encrypted {
  content_blake3: string
  size: number
  addresses: string[]
  datamap_address: string
  datamap_file: string
}

test('encrypt and decrypt: every file there, every byte back, JSON as promised', async () => {
  await using folder = await tempFolder()
  const plain = systemRandom.bytes(13_000_001)
  const path = join(folder.path, 'my photo.bin')
  await writeFile(path, plain)
  const out = join(folder.path, 'out')
  const result = await cliJson<Encrypted>(['encrypt', path, '--out', out])
  assert.equal(result.content_blake3, toHex(backend().blake3(plain)))
  assert.equal(result.size, plain.length)
  assert.deepEqual(result.addresses, [...new Set(result.addresses)].sort())
  assert.equal(result.addresses.length, 7)
  assert.equal(result.datamap_file, join(out, 'my photo.bin.datamap'))
  assert.deepEqual((await readdir(out)).sort(), [...result.addresses, 'my photo.bin.datamap'].sort())
  for (const address of result.addresses)
    assert.equal(toHex(backend().blake3(await readFile(join(out, address)))), address)
  assert.equal(toHex(backend().blake3(await readFile(result.datamap_file))), result.datamap_address)

  const copy = join(folder.path, 'copy.bin')
  assert.equal((await cli(['decrypt', result.datamap_file, '--chunks', out, '-o', copy])).code, 0)
  assert.ok(Buffer.from(plain).equals(await readFile(copy)))
  const again = await cli(['decrypt', result.datamap_file, '--chunks', out, '-o', copy])
  assert.equal(again.code, 1)
  assert.match(again.stderr, /exist/)
  assert.equal((await cli(['decrypt', result.datamap_file, '--chunks', out, '-o', copy, '--overwrite'])).code, 0)
})

test('a missing or altered chunk is named, and nothing half-written is left', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'a')
  await writeFile(path, systemRandom.bytes(30_000))
  const out = join(folder.path, 'out')
  const { addresses, datamap_file } = await cliJson<Encrypted>(['encrypt', path, '--out', out])
  const [first, second] = addresses as [string, string]
  const bytes = await readFile(join(out, first))
  const before = (await readdir(folder.path)).sort()
  const attempt = () => cli(['decrypt', datamap_file, '--chunks', out, '-o', join(folder.path, 'copy')])

  bytes[7] = (bytes[7] as number) ^ 1
  await writeFile(join(out, first), bytes)
  const altered = await attempt()
  assert.equal(altered.code, 1)
  assert.ok(altered.stderr.includes(first), altered.stderr)
  await rm(join(out, second))
  await rm(join(out, first))
  const missing = await attempt()
  assert.equal(missing.code, 1)
  assert.ok(
    addresses.some((address) => missing.stderr.includes(address)),
    missing.stderr,
  )
  for (const { stderr } of [altered, missing]) assert.ok(!/\n\s+at /.test(stderr), stderr)
  assert.deepEqual((await readdir(folder.path)).sort(), before)
})

test('small, odd and wrong inputs get one clear sentence', async () => {
  await using folder = await tempFolder()
  const file = async (name: string, bytes: Uint8Array | string) => {
    await writeFile(join(folder.path, name), bytes)
    return join(folder.path, name)
  }
  await mkdir(join(folder.path, 'dir'))
  await symlink('nowhere', join(folder.path, 'dangling'))
  const cases: [string[], RegExp][] = [
    [['encrypt', await file('two', 'ab'), '--out', join(folder.path, 'o1')], /at least 3/],
    [['encrypt', join(folder.path, 'gone'), '--out', join(folder.path, 'o2')], /gone/],
    [['encrypt', join(folder.path, 'dangling'), '--out', join(folder.path, 'o3')], /dangling/],
    [['encrypt', join(folder.path, 'dir'), '--out', join(folder.path, 'o4')], /folder|directory/],
    [['decrypt', await file('junk.datamap', 'no map'), '-o', join(folder.path, 'x')], /data map/i],
    [['decrypt', await file('empty.datamap', ''), '-o', join(folder.path, 'x')], /data map/i],
    [['decrypt', join(folder.path, 'gone.datamap'), '-o', join(folder.path, 'x')], /gone\.datamap/],
  ]
  for (const [args, pattern] of cases) {
    const { code, stderr, stdout } = await cli(args)
    assert.equal(code, 1, `${args[0]} ${args[1]}: ${stdout}${stderr}`)
    assert.match(stderr, pattern)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
  }
  assert.equal((await cli(['encrypt', await file('three', 'abc'), '--out', join(folder.path, 'o5')])).code, 0)
})

test('every backend writes the same bytes', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'a.txt')
  await writeFile(path, 'chunk stored, peer gone, '.repeat(4000))
  const results = new Map<string, Encrypted>()
  for (const name of ['native', 'wasm', 'js']) {
    const run = await cli(['encrypt', path, '--out', join(folder.path, name), '--json'], {
      env: { MYRMEX_BACKEND: name },
    })
    if (name === 'native' && run.code !== 0 && /MYRMEX_BACKEND asks for native/.test(run.stderr)) continue
    assert.equal(run.code, 0, run.stderr)
    results.set(name, { ...(JSON.parse(run.stdout) as Encrypted), datamap_file: '' })
  }
  for (const result of results.values()) assert.deepEqual(result, results.get('js'))
})

test('usage errors end with 2, help with 0', async () => {
  const expected: [string[], number, RegExp][] = [
    [[], 0, /Usage: myrmex COMMAND/],
    [['--help'], 0, /file upload/],
    [['file', 'upload', '--help'], 0, /--public/],
    [['file'], 2, /file upload, file download/],
    [['flie', 'upload'], 2, /unknown command/],
    [['encrypt'], 2, /usage: myrmex encrypt/],
    [['encrypt', 'x', '--ouut', 'y'], 2, /did you mean --out\?/],
    [['--version'], 0, /^myrmex \d+\.\d+\.\d+\n$/],
  ]
  for (const [args, code, pattern] of expected) {
    const run = await cli(args)
    assert.equal(run.code, code, `${args.join(' ')}: ${run.stdout}${run.stderr}`)
    assert.match(run.stdout + run.stderr, pattern)
  }
})

test('doctor tells backend, driver, disk and ports', async () => {
  const report = await cliJson<{
    crypto: { name: string; kernels: object }
    quic: { available: boolean; detail: string }
    ports: unknown[]
    disk: { free_bytes: number }
  }>(['doctor'])
  assert.ok(['native', 'wasm', 'js'].includes(report.crypto.name))
  assert.ok(Object.keys(report.crypto.kernels).length >= 4)
  assert.ok(report.disk.free_bytes > 0)
  assert.equal(report.ports.length, 2)
  const forced = await cliJson<{ crypto: { name: string } }>(['doctor'], { env: { MYRMEX_BACKEND: 'js' } })
  assert.equal(forced.crypto.name, 'js')
})

test('without the native core, the network commands say what is missing', async () => {
  const { code, stderr } = await cli(['start', '--once'], { env: { MYRMEX_ADDON: '/nonexistent/myrmex.node' } })
  assert.equal(code, 1)
  assert.equal(stderr.trim().split('\n').length, 1, stderr)
  assert.match(stderr, /native core/)
})
