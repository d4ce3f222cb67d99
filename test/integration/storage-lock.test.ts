/** The folder lock between processes: names the holder, ends with it, and is the flock that a stock node takes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { never, seededRandom, systemClock } from '../../src/base/index.ts'
import { type ChunkStore, createFileChunkStore } from '../../src/storage/index.ts'
import { tempFolder } from '../support/temp.ts'

const linux = process.platform === 'linux' ? false : 'flock(1) is the stand-in for a stock node on Linux only'

function newStore(folder: string): ChunkStore {
  return createFileChunkStore(folder, { clock: systemClock, random: seededRandom(1) })
}

/** Resolves when the child has written its first bytes. */
async function started(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

test('a folder in use by another process is refused with its pid, and is free as soon as that is killed', async () => {
  await using folder = await tempFolder()
  const writer = join(import.meta.dirname, 'storage-writer.ts')
  const child = await started(process.execPath, [writer, folder.path, '1', 'idle'])
  const store = newStore(folder.path)
  try {
    await assert.rejects(store.start(never), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'STORAGE_LOCKED')
      return error.message.includes(`process ${child.pid} `)
    })
  } finally {
    await ended(child, 'SIGKILL')
  }
  await store.start(never)
  await store.stop()
})

test('the flock of a stranger keeps us out, ours keeps a stranger out', { skip: linux }, async () => {
  await using folder = await tempFolder()
  const chunks = join(folder.path, 'chunks')
  const lock = join(chunks, '.lock')
  await mkdir(chunks)
  // What a stock node does: open, flock(LOCK_EX | LOCK_NB), write nothing.
  const stranger = await started('flock', ['-n', '-x', '--no-fork', lock, 'sh', '-c', 'echo locked; exec cat'])
  const store = newStore(folder.path)
  try {
    await assert.rejects(store.start(never), { code: 'STORAGE_LOCKED', message: /in use by another process/ })
  } finally {
    await ended(stranger, 'SIGKILL')
  }
  await store.start(never)
  await store.stop()
  // Our own pid, which still lives, must not be named for a stock node that came after us.
  const later = await started('flock', ['-n', '-x', '--no-fork', lock, 'sh', '-c', 'echo locked; exec cat'])
  try {
    await assert.rejects(store.start(never), { code: 'STORAGE_LOCKED', message: /in use by another process/ })
  } finally {
    await ended(later, 'SIGKILL')
  }
  await store.start(never)
  const refused = spawn('flock', ['-n', '-x', lock, 'true'], { stdio: 'ignore' })
  assert.deepEqual(await once(refused, 'exit'), [1, null])
  await store.stop()
  const admitted = spawn('flock', ['-n', '-x', lock, 'true'], { stdio: 'ignore' })
  assert.deepEqual(await once(admitted, 'exit'), [0, null])
})
