/** A crash at every change of the disk while the node's small files are written: each holds the old content or the new. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromUtf8, minute, never, seededRandom } from '../../../src/base/index.ts'
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../../src/node/identity-file.ts'
import { createPeerFiles } from '../../../src/node/peer-files.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { SimClock, SimDisk } from '../../../src/sim/index.ts'
import { createOutOfRangeStore } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'

const seed = Number(process.env['MYRMEX_TEST_SEED'] ?? 20_263)
const MIXTURES = 12
const ROOT = '/node-of-a-test'
const VERSIONS = 4
const address = (n: number) => chunkAddressOf(seededRandom(n).bytes(32))

/** From which change of the disk on a version of a file is confirmed, and from which on it may be there. */
interface Version {
  readonly file: 'peers' | 'timers'
  readonly version: number
  readonly begun: number
  readonly confirmed: number
}

async function workload(): Promise<{ disk: SimDisk; versions: Version[]; identity: { peer: string; at: number } }> {
  const disk = new SimDisk({ record: true })
  disk.plant(`${ROOT}/placeholder`, new Uint8Array(1))
  const { peerId } = await loadOrCreateIdentity(ROOT, undefined, disk)
  const identity = { peer: peerId, at: disk.history.length }
  const peers = createPeerFiles(disk, ROOT)
  const store = createOutOfRangeStore(ROOT, { clock: new SimClock(), fileSystem: disk })
  await store.start(never)
  const versions: Version[] = []
  const write = async (file: Version['file'], version: number, work: () => Promise<void>) => {
    const begun = disk.history.length
    await work()
    versions.push({ file, version, begun, confirmed: disk.history.length })
  }
  for (let version = 1; version <= VERSIONS; version++) {
    await write('peers', version, () => peers.write('routing_snapshot.json', String(version).repeat(2000)))
    store.timers.out('record', address(version), 0)
    await write('timers', version, () => store.save())
  }
  await store.stop()
  return { disk, versions, identity }
}

/** The newest version that the file holds; 0: none. */
async function found(disk: SimDisk, file: Version['file']): Promise<number> {
  if (file === 'peers') {
    const text = await createPeerFiles(disk, ROOT).read('routing_snapshot.json')
    if (text === undefined) return 0
    assert.match(text, /^(\d)\1{1999}$/, `seed ${seed}: a mixture of two versions`)
    return Number(text[0])
  }
  const store = createOutOfRangeStore(
    ROOT,
    { clock: new SimClock(), fileSystem: disk },
    { saveIntervalMs: 99 * minute },
  )
  await store.start(never)
  const size = store.timers.size('record')
  await store.stop()
  return size
}

test('a version that was confirmed, or a later one, is there; nothing is half there', async () => {
  const { disk, versions, identity } = await workload()
  const { history } = disk
  let images = 0
  await using folder = await tempFolder()
  for (let point = 0; point <= history.length; point++) {
    for (let n = 0; n < MIXTURES + 2; n++) {
      const aftermath = n === 0 ? 'everything' : n === 1 ? 'flushed' : 'mixture'
      const image = SimDisk.imageAt(history, point, aftermath, seededRandom(seed + 1000 * point + n))
      const where = `seed ${seed}, ${aftermath} ${n}, point ${point} of ${history.length}`
      const key = image.files().get(`${ROOT}/${IDENTITY_FILE}`)
      if (point >= identity.at) assert.ok(key, `${where}: the identity is lost`)
      // An identity that is there is whole and the same: the real file is read as a node reads it.
      if (key) {
        assert.ok(fromUtf8(key)?.endsWith('}'), `${where}: half an identity`)
        if (point === identity.at || n === 2) {
          await writeFile(join(folder.path, IDENTITY_FILE), key, { mode: 0o600 })
          assert.equal((await loadOrCreateIdentity(folder.path)).peerId, identity.peer, where)
        }
      }
      for (const file of ['peers', 'timers'] as const) {
        const of = versions.filter((one) => one.file === file)
        const least = of.findLast(({ confirmed }) => confirmed <= point)?.version ?? 0
        const most = of.findLast(({ begun }) => begun <= point)?.version ?? 0
        const version = await found(image, file)
        assert.ok(version >= least && version <= most, `${where}: ${file} has ${version}, not ${least} to ${most}`)
      }
      images++
    }
  }
  console.log(`seed ${seed}: ${history.length} write points, ${images} images, 0 losses`)
})
