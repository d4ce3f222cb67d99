/** One node process: what keeps it from starting, how it protects its key, how it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { quicAvailability } from '../../src/transport/index.ts'
import { type CliRun, cli } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const LOCAL = ['--network-mode', 'development', '--payment', 'free']
const quic = quicAvailability()

interface Running {
  readonly socket: string
  /** SIGTERM; the exit code and all of standard output. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; stdout: string }>
}

async function run(rootDir: string, args: readonly string[], env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, 'node', 'run', '--root-dir', rootDir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  for (let waited = 0; ; waited += 50) {
    const text = await readFile(join(rootDir, 'node.json'), 'utf8').catch(() => undefined)
    if (text !== undefined) {
      const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
        child.kill(signal)
        return { code: await ended, stdout }
      }
      return { socket: (JSON.parse(text) as { socket: string }).socket, stop }
    }
    if (child.exitCode !== null || waited > 15_000) {
      child.kill('SIGKILL')
      assert.fail(`the node did not start: ${stdout}${stderr}`)
    }
    await pause(50)
  }
}

function refused({ code, stderr }: CliRun, pattern: RegExp): void {
  assert.equal(code, 1, stderr)
  assert.match(stderr, pattern)
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
}

describe('myrmex node run', { skip: quic.available ? false : `no native core: ${quic.reason}` }, () => {
  test('folder, port and key are refused with advice; a stop is clean', async () => {
    await using folder = await tempFolder()
    const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')]
    const start = (root: string, ...more: string[]) => cli(['node', 'run', '--root-dir', root, ...LOCAL, ...more])
    const node = await run(first, [...LOCAL, '--log-format', 'json'])
    refused(await start(first), /in use by process \d+.*--root-dir/)
    refused(await start(second, '--port', node.socket.split(':')[1] as string), /another program has this port.*--port/)
    const { code, stdout } = await node.stop()
    assert.equal(code, 0)
    for (const line of stdout.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line), 'object')
    assert.deepEqual(
      (await readdir(first)).filter((name) => /^node\.json|tmp/.test(name)),
      [],
    )
    await chmod(join(first, 'node_identity.key'), 0o640)
    refused(await start(first), /others can read.*chmod 600/)
    await writeFile(join(folder.path, 'file'), '')
    refused(await start(join(folder.path, 'file')), /it is a file\. Choose another with --root-dir/)
  })

  test('a passphrase seals the key; a wrong one, none, or damaged parameters are said', async () => {
    await using folder = await tempFolder()
    const key = join(folder.path, 'node_identity.key')
    const start = (env: Record<string, string>) => cli(['node', 'run', '--root-dir', folder.path, ...LOCAL], { env })
    await (await run(folder.path, LOCAL, { MYRMEX_PASSPHRASE: 'formica' })).stop('SIGINT')
    assert.equal((await stat(key)).mode & 0o777, 0o600)
    const sealed = JSON.parse(await readFile(key, 'utf8')) as { myrmex_identity: number; kdf: { n: number } }
    assert.equal(sealed.myrmex_identity, 1)
    refused(await start({}), /MYRMEX_PASSPHRASE or with --passphrase-file/)
    refused(await start({ MYRMEX_PASSPHRASE: 'rufa' }), /does not open/)
    sealed.kdf.n = 3
    await writeFile(key, JSON.stringify(sealed))
    refused(await start({ MYRMEX_PASSPHRASE: 'formica' }), /node_identity\.key .*not allowed/)
    await rm(key)
    await (await run(folder.path, LOCAL)).stop()
    const open = await run(folder.path, LOCAL, { MYRMEX_PASSPHRASE: 'formica' })
    assert.match((await open.stop()).stdout, /WARN .*not protected/)
  })

  test('a node that is paid refuses a free upload, and the client says what is wanted', async () => {
    await using folder = await tempFolder()
    const args = ['--network-mode', 'development', '--rewards-address', `0x${'01'.repeat(20)}`]
    const node = await run(join(folder.path, 'n'), args)
    try {
      const put = await cli(['chunk', 'put', '-b', node.socket], { input: new Uint8Array(99) })
      refused(put, /wants a payment/)
    } finally {
      await node.stop()
    }
  })
})
