/** What users do to a network client besides the plain walk: pipes that close, targets in the way, odd names. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemRandom } from '../../src/base/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { type CliRun, cli, cliJson } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const quic = quicAvailability()

function refused({ code, stdout, stderr }: CliRun, pattern: RegExp): void {
  assert.equal(code, 1, stdout + stderr)
  assert.match(stderr, pattern)
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
}

describe('a client at a small network', { skip: quic.available ? false : `no native core: ${quic.reason}` }, () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let connect: string[]
  const at = (...parts: string[]) => join(folder.path, ...parts)

  before(async () => {
    folder = await tempFolder()
    const args = ['devnet', 'start', '--nodes', '3', '--data', at('net'), '--detach']
    connect = ['--devnet-manifest', (await cliJson<{ manifest: string }>(args)).manifest]
  })
  after(async () => {
    await cli(['devnet', 'stop', '--data', at('net')])
    await folder[Symbol.asyncDispose]()
  })

  test('a full chunk by pipe; a reader that stops early is no failure; one byte more is refused', async () => {
    const content = systemRandom.bytes(4 * 1024 * 1024)
    const put = await cli(['chunk', 'put', ...connect], { input: content })
    assert.equal(put.code, 0, put.stderr)
    const script = '"$0" "$@" | head -c1 | wc -c'
    const get = [MAIN, 'chunk', 'get', put.stdout.trim(), ...connect]
    const head = spawnSync('sh', ['-c', script, process.execPath, ...get], { encoding: 'utf8' })
    assert.deepEqual([head.stdout.trim(), head.stderr], ['1', ''])
    const more = new Uint8Array(content.length + 1)
    refused(await cli(['chunk', 'put', ...connect], { input: more }), /more than the 4\.00 MB.*file upload/)
    refused(await cli(['chunk', 'put', folder.path, ...connect]), /is a folder, not a file/)
  })

  test('nodes on this machine are found by their address alone', async () => {
    const { nodes } = await cliJson<{ nodes: { address: string }[] }>(['devnet', 'status', '--data', at('net')])
    const [, port] = /udp\/(\d+)/.exec(nodes[0]?.address ?? '') ?? []
    const put = await cli(['chunk', 'put', '-b', `127.0.0.1:${port}`], { input: new Uint8Array(10) })
    assert.equal(put.code, 0, put.stderr)
  })

  test('a folder never takes the place of a file; what is left out is named and cannot move the cursor', async () => {
    await mkdir(at('tree'))
    await writeFile(at('tree', 'plain'), 'content')
    await writeFile(at('tree', 'esc\u001b[2J'), 'content')
    await symlink('/etc/passwd', at('tree', 'absolute'))
    const upload = await cli(['file', 'upload', at('tree'), ...connect])
    assert.equal(upload.code, 0, upload.stderr)
    assert.match(upload.stderr, /left out absolute: .*\nleft out esc\\u001b\[2J: /)
    await writeFile(at('file'), 'of the user')
    const download = ['file', 'download', at('tree.datamap'), '-o', at('file'), ...connect]
    refused(await cli(download), /exists already.*--overwrite/)
    refused(await cli([...download, '--overwrite']), /in the way/)
    assert.equal(await readFile(at('file'), 'utf8'), 'of the user')
  })

  test('manifests and data maps that are none are refused by name', async () => {
    await writeFile(at('noise'), Buffer.from([0xff, 0x0a, 0x1b, 0x00]))
    const get = (manifest: string) => cli(['chunk', 'get', 'ab'.repeat(32), '--devnet-manifest', manifest])
    refused(await get(at('none')), /there is no manifest .*none.*devnet status/)
    refused(await get(at('noise')), /noise is no manifest of a network/)
    refused(await get(folder.path), /is no manifest of a network$/m)
    refused(await cli(['file', 'download', at('noise'), '-o', at('x'), ...connect]), /noise is no usable data map/)
  })

  test('an interrupted download leaves nothing', async () => {
    await writeFile(at('big'), systemRandom.bytes(60_000_000))
    const { address } = await cliJson<{ address: string }>(['file', 'upload', at('big'), '--public', ...connect])
    const there = (await readdir(folder.path)).sort()
    const args = [MAIN, 'file', 'download', address, '-o', at('copy'), ...connect]
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', (code, name) => resolve(code ?? name)))
    const begun = async () => (await readdir(folder.path)).length > there.length
    while (!(await begun()) && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGINT')
    assert.equal(await ended, 130)
    assert.deepEqual((await readdir(folder.path)).sort(), there)
  })
})
