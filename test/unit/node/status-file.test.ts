import assert from 'node:assert/strict'
import { symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLogger, type LogRecord, systemClock } from '../../../src/base/index.ts'
import { readStatusFile, STATUS_FILE, StatusFile } from '../../../src/node/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import type { DiskState } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'

const PEER = '5e'.repeat(32) as PeerId

test('a disk without room for it starts the node all the same, says so, and has it when there is room', async () => {
  await using folder = await tempFolder()
  const records: LogRecord[] = []
  let disk: DiskState = 'full'
  let changed: () => void = () => assert.fail('nobody listens')
  const status = new StatusFile(folder.path, {
    store: {
      onDisk: (listener) => {
        changed = () => listener(disk)
        return () => undefined
      },
    },
    log: createLogger({ clock: systemClock, level: 'warn', sink: (record) => records.push(record) }),
    facts: () => ({ peerId: PEER, address: { ip: '127.0.0.1', port: 1 }, startedAt: 0, disk }),
  })
  // Every write to this device says ENOSPC.
  const temporary = join(folder.path, `${STATUS_FILE}.tmp`)
  await symlink('/dev/full', temporary)
  await status.start()
  assert.equal(await readStatusFile(folder.path), undefined)
  assert.deepEqual(
    records.map(({ level }) => level),
    ['warn'],
  )
  await unlink(temporary)
  disk = 'writable'
  changed()
  await status.written()
  assert.equal((await readStatusFile(folder.path))?.disk_state, 'writable')
  await status.stop()
  assert.deepEqual([await readStatusFile(folder.path), records.length], [undefined, 1])
})
