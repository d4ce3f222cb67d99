/** Files when something fails: missing chunks, a source that changes, a network full or gone, a caller that stops. */
import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ClientError } from '../../../src/client/index.ts'
import { MAX_PLAIN_CHUNK_BYTES, sourceFromBytes } from '../../../src/self-encryption/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { bytes, fast, World } from './world.ts'

describe('files', () => {
  it('a missing chunk is named and nothing is left behind', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 8, ...fast, options: { fetchRetryDelaysMs: [] } })
    await world.runNow(async (client) => {
      const { dataMap, addresses } = await client.uploadFile(sourceFromBytes(bytes(50_000)))
      const gone = addresses[1] as (typeof addresses)[0]
      for (const { chunks } of world.storers) chunks.delete(gone)
      await assert.rejects(client.downloadTo(dataMap, join(folder.path, 'out')), (error: ClientError) => {
        assert.equal(error.code, 'CLIENT_NOT_FOUND')
        assert.ok(error.message.includes(gone))
        return true
      })
      assert.deepEqual(await readdir(folder.path), [])
    })
  })

  it('a chunk that is away for a while is waited for', async () => {
    const world = new World({ peers: 8 })
    const hold = world.pump.hold()
    await using folder = await tempFolder()
    hold()
    const content = bytes(600)
    const result = await world.run(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(content))
      for (const storer of world.storers) storer.fault = { kind: 'forgetful' }
      world.clock.timer(3000, () => {
        for (const storer of world.storers) storer.fault = undefined
      })
      return client.readRange(dataMap, 0, 600)
    })
    assert.deepEqual(result, content)
    assert.ok(folder.path)
  })

  it('a file that changes while it is read is refused', async () => {
    await using folder = await tempFolder()
    const source = join(folder.path, 'in')
    await writeFile(source, bytes(1000))
    const world = new World({ peers: 4, ...fast })
    let touched = Promise.resolve()
    const original = world.client.uploadFile.bind(world.client)
    const onProgress = () => {
      touched = writeFile(source, bytes(1000, 2))
    }
    await world.runNow(async () => {
      // The first report comes after reading began and before the file is looked at again.
      const slow = {
        size: 1000,
        read: async () => bytes(10),
      }
      await assert.rejects(original({ ...slow, read: async () => new Uint8Array() }), { code: 'CLIENT_SOURCE_CHANGED' })
      await original(source, { onProgress }).catch((error) => assert.equal(error.code, 'CLIENT_SOURCE_CHANGED'))
      await touched
    })
  })

  it('a partial upload says what was stored and what was not', async () => {
    const world = new World({ peers: 8, options: { putRetryDelaysMs: [], storeConcurrency: 1 } })
    let puts = 0
    const result = world.run(async (client) =>
      client.uploadFile(sourceFromBytes(bytes(3 * MAX_PLAIN_CHUNK_BYTES + 10)), {
        onProgress: () => {
          if (++puts === 4) for (const storer of world.storers) storer.fault = { kind: 'full' }
        },
      }),
    )
    await assert.rejects(result, (error: ClientError) => {
      assert.equal(error.code, 'CLIENT_PARTIAL_UPLOAD')
      const { total, stored, failed, notTried } = error.data as Record<string, number>
      assert.equal(total, 7)
      assert.equal((stored as number) + (failed as number) + (notTried as number), 7)
      assert.ok((stored as number) >= 4 && (failed as number) >= 1)
      assert.equal((error.cause as ClientError).code, 'CLIENT_REFUSED')
      return true
    })
  })

  it('an upload to a network that is gone stops early', async () => {
    const world = new World({
      peers: 4,
      options: { putRetryDelaysMs: [], failuresInARow: 2, storeConcurrency: 1, uploadBudgetBytes: 1 },
    })
    for (const storer of world.storers) storer.fault = { kind: 'dead' }
    await assert.rejects(
      world.run((client) => client.uploadFile(sourceFromBytes(bytes(6 * MAX_PLAIN_CHUNK_BYTES)))),
      (error: ClientError) => {
        assert.equal(error.code, 'CLIENT_PARTIAL_UPLOAD')
        assert.ok((error.data['failed'] as number) <= 3, `${error.data['failed']} were tried`)
        return true
      },
    )
  })

  it('cancelling an upload and a download leaves nothing running', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    const big = bytes(4 * MAX_PLAIN_CHUNK_BYTES)
    await world.runNow(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(big))
      const up = new AbortController()
      const content = bytes(4 * MAX_PLAIN_CHUNK_BYTES, 9)
      await assert.rejects(
        client.uploadFile(sourceFromBytes(content), { signal: up.signal, onProgress: () => up.abort() }),
        { code: 'CLIENT_CANCELLED' },
      )
      const down = new AbortController()
      await assert.rejects(
        client.downloadTo(dataMap, join(folder.path, 'out'), {
          signal: down.signal,
          onProgress: ({ done }) => done > 1 && down.abort(),
        }),
        { code: 'CLIENT_CANCELLED' },
      )
    })
    assert.deepEqual(await readdir(folder.path), [])
    assert.equal(world.clock.pending, 0, 'no timer is left')
  })
})
