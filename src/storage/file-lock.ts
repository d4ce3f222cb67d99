/**
 * The exclusive advisory lock of a folder (touches: one file, on Linux one short-lived helper process).
 *
 * It is the kernel's own lock, so it ends with the process however that dies and can never be stale, and it is the
 * same `flock(2)` that the network's stock node takes: either of us keeps the other out. Node has no flock call. On
 * Linux such a lock belongs to the open file description, not to the process: `flock -n -x 3` (util-linux, busybox)
 * run on our inherited descriptor locks it for us and exits. macOS and the BSDs take the lock in open(2) (O_EXLOCK),
 * Windows by a share mode of zero, which libuv gives the same name. Tried and dropped: a file with pid and start time
 * (two openers can both judge it stale) and a bound socket (blind to other network namespaces and to stock nodes).
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { codeOf } from '../base/index.ts'
import { stateOfError } from './disk-state.ts'
import { StorageError } from './errors.ts'

export interface FileLock {
  release(): Promise<void>
}

const HELPERS = ['flock', '/usr/bin/flock', '/bin/flock'] as const
/** util-linux and busybox: exit code of "held by another". */
const HELD = 1
const BSD_O_EXLOCK = 0x20
const WINDOWS_O_EXLOCK = 0x1000_0000
const MAX_OWNER_BYTES = 32

/** Throws STORAGE_LOCKED when another opener holds it, in this process or any other. */
export async function lockFile(path: string): Promise<FileLock> {
  const handle = process.platform === 'linux' ? await lockByHelper(path) : await lockByOpen(path)
  try {
    await sign(handle)
  } catch (error) {
    await handle.close()
    throw error
  }
  return { release: () => release(handle) }
}

/** The holder's pid, for the message to others only: a full disk must not keep anybody out. */
async function sign(handle: FileHandle): Promise<void> {
  try {
    // Over what is there, which needs no room, and then cut.
    const { bytesWritten } = await handle.write(`${process.pid}\n`, 0)
    await handle.truncate(bytesWritten)
  } catch (error) {
    if (stateOfError(error) !== 'full') throw error
    // Better no name than that of an earlier holder.
    await handle.truncate(0).catch(() => undefined)
  }
}

/** The name stays: removing it would let a third opener lock a new file while a second holds the old one. */
async function release(handle: FileHandle): Promise<void> {
  // The pid is struck out in its place: a block that is given away may not be had again.
  await handle.write('\n', 0).catch(() => undefined)
  // On a disk that is gone closing may fail too: the descriptor is free all the same, and the lock with it.
  await handle.close().catch(() => undefined)
}

async function lockByHelper(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  try {
    if (!(await flock(handle.fd))) throw await locked(path)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function flock(fd: number): Promise<boolean> {
  for (const helper of HELPERS) {
    const code = await exitCode(helper, fd)
    if (code === undefined) continue
    if (code === 0) return true
    if (code === HELD) return false
    throw new StorageError('STORAGE_IO', `locking with ${helper} failed with exit code ${code}`)
  }
  throw new StorageError('STORAGE_IO', 'the command flock (package util-linux) is needed to lock the chunk folder')
}

/** undefined when the helper is not installed. */
function exitCode(helper: string, fd: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(helper, ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.once('error', (cause) => {
      if (codeOf(cause) === 'ENOENT') resolve(undefined)
      else reject(new StorageError('STORAGE_IO', `locking with ${helper} failed: it cannot be run`, { cause }))
    })
    child.once('exit', (code) => resolve(code ?? -1))
  })
}

async function lockByOpen(path: string): Promise<FileHandle> {
  const windows = process.platform === 'win32'
  const exclusive = windows ? WINDOWS_O_EXLOCK : BSD_O_EXLOCK | constants.O_NONBLOCK
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | exclusive, 0o644)
  } catch (error) {
    if (['EAGAIN', 'EWOULDBLOCK', 'EBUSY', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')) {
      throw await locked(path, error)
    }
    throw error
  }
}

async function locked(path: string, cause?: unknown): Promise<StorageError> {
  const owner = await ownerOf(path)
  const who = owner === undefined ? 'another process' : `process ${owner}`
  return new StorageError('STORAGE_LOCKED', `the chunk folder is in use by ${who} (lock ${path})`, {
    data: { pid: owner ?? null, path },
    cause,
  })
}

/** What the holder wrote, if it is one of us (a stock node writes nothing). */
async function ownerOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const digits = /^([1-9]\d*)\n$/.exec(text.slice(0, MAX_OWNER_BYTES))
  if (!digits) return undefined
  const pid = Number(digits[1])
  try {
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // EPERM: alive, of another user.
    return codeOf(error) === 'EPERM' ? pid : undefined
  }
}
