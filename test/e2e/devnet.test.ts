/** Real node processes on this machine: a file and a folder there and back, with two nodes killed on the way. */
import assert from 'node:assert/strict'
import { access, chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemRandom, toHex } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { isOurProcess } from '../../src/devnet/processes.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { cli, cliJson } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

interface Status {
  manifest: string
  nodes: { index: number; pid: number | null; peer_id: string; address: string; root_dir: string; running: boolean }[]
}
interface Uploaded {
  address?: string
  datamap?: string
  chunks: number
  chunks_stored: number
  size: number
  elapsed_ms: number
}

const quic = quicAvailability()
const NODES = 8

describe('a local network of processes', { skip: quic.available ? false : `no native core: ${quic.reason}` }, () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let data: string
  let manifest: string
  const at = (...parts: string[]) => join(folder.path, ...parts)
  const connect = () => ['--devnet-manifest', manifest]

  before(async () => {
    folder = await tempFolder()
    data = at('network')
    const started = await cliJson<{ manifest: string }>([
      'devnet',
      'start',
      '--nodes',
      String(NODES),
      '--data',
      data,
      '--detach',
    ])
    manifest = started.manifest
  })
  after(async () => {
    await cli(['devnet', 'stop', '--data', data])
    await folder[Symbol.asyncDispose]()
  })

  test('status and manifest are as promised', async () => {
    const status = await cliJson<Status>(['devnet', 'status', '--data', data])
    assert.equal(status.manifest, manifest)
    assert.equal(status.nodes.length, NODES)
    for (const [i, node] of status.nodes.entries()) {
      assert.deepEqual([node.index, node.running, typeof node.pid], [i, true, 'number'])
      assert.match(node.peer_id, /^[0-9a-f]{64}$/)
      assert.match(node.address, new RegExp(`^/ip4/127\\.0\\.0\\.1/udp/\\d+/quic/p2p/${node.peer_id}$`))
      assert.equal((await lstat(join(node.root_dir, 'node_identity.key'))).mode & 0o777, 0o600)
    }
    const file = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, unknown>
    assert.deepEqual(Object.keys(file), ['base_port', 'node_count', 'bootstrap', 'data_dir', 'created_at'])
    assert.equal(file['node_count'], NODES)
  })

  test('a second network in the same folder is refused', async () => {
    const { code, stderr } = await cli(['devnet', 'start', '--data', data, '--detach'])
    assert.equal(code, 1)
    assert.match(stderr, /already running.*devnet stop/)
  })

  test('100 MB and a folder of odd files, uploaded by one process, downloaded by another, with two nodes killed between', async () => {
    const big = systemRandom.bytes(100_000_000)
    await writeFile(at('big.bin'), big)
    const file = await cliJson<Uploaded>(['file', 'upload', at('big.bin'), '--public', ...connect()])
    assert.equal(file.size, big.length)
    // 24 pieces, 3 of the shrunk map, the map itself.
    assert.deepEqual([file.chunks, file.chunks_stored], [28, 28])
    const again = await cliJson<Uploaded>(['file', 'upload', at('big.bin'), '--public', ...connect()])
    assert.deepEqual([again.address, again.chunks, again.chunks_stored], [file.address, 28, 0])

    await makeTree(at('tree'))
    const tree = await cliJson<Uploaded>(['file', 'upload', at('tree'), '--public', ...connect()])
    const hidden = await cliJson<Uploaded>(['file', 'upload', at('tree'), ...connect()])
    assert.equal(hidden.datamap, at('tree.datamap'))
    assert.equal(hidden.address, undefined)

    await roundTrip('before', file, tree, hidden)
    const { nodes } = await cliJson<Status>(['devnet', 'status', '--data', data])
    for (const index of [2, 5]) process.kill(nodes[index]?.pid as number, 'SIGKILL')
    const status = await cliJson<Status>(['devnet', 'status', '--data', data])
    assert.deepEqual(
      status.nodes.filter(({ running }) => !running).map(({ index, pid }) => [index, pid]),
      [
        [2, null],
        [5, null],
      ],
    )
    await roundTrip('after', file, tree, hidden)

    async function roundTrip(
      name: string,
      one: Uploaded,
      folderUpload: Uploaded,
      privateUpload: Uploaded,
    ): Promise<void> {
      const out = at(`big-${name}.bin`)
      await cliJson(['file', 'download', one.address as string, '-o', out, ...connect()])
      assert.equal(toHex(backend().blake3(await readFile(out))), toHex(backend().blake3(big)), name)
      await cliJson(['file', 'download', folderUpload.address as string, '-o', at(`tree-${name}`), ...connect()])
      assert.deepEqual(await describeTree(at(`tree-${name}`)), await describeTree(at('tree')), name)
      await cliJson(['file', 'download', privateUpload.datamap as string, '-o', at(`private-${name}`), ...connect()])
      assert.deepEqual(await describeTree(at(`private-${name}`)), await describeTree(at('tree')), name)
    }
  })

  test('chunks by pipe: bytes in, address out, bytes back', async () => {
    const content = systemRandom.bytes(70_000)
    const put = await cli(['chunk', 'put', ...connect()], { input: content })
    assert.equal(put.code, 0, put.stderr)
    assert.equal(put.stdout, `${toHex(backend().blake3(content))}\n`)
    await cliJson(['chunk', 'get', put.stdout.trim(), '-o', at('chunk.bin'), ...connect()])
    assert.ok(Buffer.from(content).equals(await readFile(at('chunk.bin'))))
  })

  test('what goes wrong is said in one sentence', async () => {
    const busy = JSON.parse(await readFile(manifest, 'utf8')) as { base_port: number }
    await writeFile(at('bad.datamap'), 'no map')
    await writeFile(at('there'), 'of the user')
    const cases: [string[], RegExp][] = [
      [['chunk', 'get', 'ab'.repeat(32), ...connect()], /not|no peer/],
      [['file', 'download', 'cd'.repeat(32), '-o', at('x'), ...connect()], /not|no peer/],
      [['file', 'download', 'zz', '-o', at('x'), ...connect()], /neither an address/],
      [['file', 'download', at('bad.datamap'), '-o', at('x'), ...connect()], /data map/],
      [['file', 'download', 'cd'.repeat(32), '-o', at('there'), ...connect()], /exist/],
      [['chunk', 'get', 'ab'.repeat(32), '--devnet-manifest', at('none.json')], /none\.json/],
      [
        ['chunk', 'get', 'ab'.repeat(32), '-b', '127.0.0.1:9', '--allow-loopback', '--timeout-secs', '5'],
        /no node answered|reach/,
      ],
      [['file', 'upload', at('nothing-here'), ...connect()], /nothing-here/],
      [
        [
          'node',
          'run',
          '--root-dir',
          at('n'),
          '--network-mode',
          'development',
          '--payment',
          'free',
          '--port',
          String(busy.base_port),
        ],
        /port|in use/,
      ],
      [['node', 'run', '--root-dir', at('n'), '--payment', 'free'], /local networks only/],
    ]
    for (const [args, pattern] of cases) {
      const { code, stdout, stderr } = await cli(args)
      const errors = stderr.split('\n').filter((line) => line.startsWith('Error: '))
      assert.equal(code, 1, `${args.join(' ')}: ${stdout}${stderr}`)
      assert.equal(errors.length, 1, `${args.join(' ')}: ${stderr}`)
      assert.match(errors[0] as string, pattern, args.join(' '))
      assert.ok(!/\n\s+at /.test(stderr), stderr)
    }
    assert.equal(await readFile(at('there'), 'utf8'), 'of the user')
  })

  test('stop ends every node and removes what it made', async () => {
    const { nodes } = await cliJson<Status>(['devnet', 'status', '--data', data])
    await cliJson(['devnet', 'stop', '--data', data])
    for (const { pid, root_dir } of nodes) assert.ok(pid === null || !isOurProcess(pid, root_dir), `pid ${pid} lives`)
    await assert.rejects(access(data))
  })
})

test('npm start -- --once: a sample file goes round', {
  skip: quic.available ? false : `no native core: ${quic.reason}`,
}, async () => {
  const { code, stdout, stderr } = await cli(['start', '--once', '--nodes', '5'])
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /every byte is the same/)
})

test('nodes in one process serve the same walks', {
  skip: quic.available ? false : `no native core: ${quic.reason}`,
}, async () => {
  const { startDevnet } = await import('../../src/devnet/index.ts')
  const { createClientNode } = await import('../../src/node/index.ts')
  const { parseMultiaddr } = await import('../../src/protocol/index.ts')
  const { never, systemClock } = await import('../../src/base/index.ts')
  await using folder = await tempFolder()
  await using network = await startDevnet(
    {
      nodes: 5,
      dataDir: join(folder.path, 'net'),
      inProcess: true,
      detached: false,
      keep: false,
      logLevel: 'warn',
      program: [],
    },
    never,
  )
  const client = await createClientNode({
    seeds: network.nodes.map(({ address }) => parseMultiaddr(address)),
    allowLoopback: true,
    clock: systemClock,
  })
  await client.start(never)
  const content = systemRandom.bytes(200_000)
  const { address } = await client.client.putChunk(content)
  assert.deepEqual(await client.client.getChunk(address), content)
  await client.stop()
})

async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, 'empty dir'), { recursive: true })
  await mkdir(join(root, 'a', 'b', 'c'), { recursive: true })
  const files: [string, Uint8Array | string][] = [
    ['zero', ''],
    ['one', 'x'],
    ['two', 'xy'],
    ['three', 'xyz'],
    ['a/b/c/deep.bin', systemRandom.bytes(9_000)],
    ['a/text.md', '# Ameise\n'.repeat(2000)],
    ['ümläut 日本.txt', 'name'],
    ['a/run.sh', '#!/bin/sh\n'],
  ]
  for (const [name, content] of files) await writeFile(join(root, name), content)
  await chmod(join(root, 'a/run.sh'), 0o755)
  await symlink('text.md', join(root, 'a', 'link'))
}

/** Everything that a restore must bring back, as text. */
async function describeTree(root: string): Promise<string[]> {
  const lines: string[] = []
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(root.length + 1)
    const mode = ((await lstat(path)).mode & 0o777).toString(8)
    if (entry.isSymbolicLink()) lines.push(`${name} -> ${await readlink(path)}`)
    else if (entry.isDirectory()) lines.push(`${name}/ ${mode}`)
    else lines.push(`${name} ${mode} ${toHex(backend().blake3(await readFile(path)))}`)
  }
  return lines.sort()
}
