import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type AddonPlace, findAddon } from '../../../src/crypto/backend/addon-file.ts'
import { tempFolder } from '../../support/temp.ts'

const BYTES = new Uint8Array([1, 2, 3])
const DIGEST = createHash('sha256').update(BYTES).digest('hex')
const PREBUILT = 'prebuilds/linux-arm64/myrmex.node'
const SUMS = `${'0'.repeat(64)}  linux-x64/myrmex.node\n${DIGEST}  linux-arm64/myrmex.node\n`

async function packageWith(root: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
}

function place(root: string, change: Partial<AddonPlace> = {}): AddonPlace {
  return {
    root,
    override: undefined,
    platform: 'linux',
    arch: 'arm64',
    glibc: () => true,
    verified: new Set<string>(),
    ...change,
  }
}

test('MYRMEX_ADDON goes before a build, a build before the prebuilt file', async () => {
  await using temp = await tempFolder()
  const root = temp.path
  await packageWith(root, { [PREBUILT]: BYTES, 'prebuilds/SHA256SUMS': SUMS })
  assert.deepEqual(findAddon(place(root)), { path: join(root, PREBUILT), origin: 'prebuilt' })
  await packageWith(root, { 'native/build/myrmex.node': BYTES })
  assert.deepEqual(findAddon(place(root)), { path: join(root, 'native/build/myrmex.node'), origin: 'built' })
  assert.deepEqual(findAddon(place(root, { override: '/else/where.node' })), {
    path: '/else/where.node',
    origin: 'override',
  })
})

test('a file whose checksum differs, or that has none, is refused with the reason', async () => {
  await using temp = await tempFolder()
  const root = temp.path
  await packageWith(root, { [PREBUILT]: BYTES })
  assert.throws(() => findAddon(place(root)), /checksums .* cannot be read/)
  await packageWith(root, { 'prebuilds/SHA256SUMS': `${DIGEST}  linux-x64/myrmex.node\n` })
  assert.throws(() => findAddon(place(root)), /has no SHA-256 of linux-arm64\/myrmex\.node/)
  await packageWith(root, { 'prebuilds/SHA256SUMS': 'short  linux-arm64/myrmex.node\n' })
  assert.throws(() => findAddon(place(root)), /has no SHA-256/)
  await packageWith(root, { 'prebuilds/SHA256SUMS': SUMS, [PREBUILT]: new Uint8Array([1, 2, 4]) })
  assert.throws(() => findAddon(place(root)), new RegExp(`was altered: its SHA-256 is [0-9a-f]{64}, .* says ${DIGEST}`))
})

test('a file that was hashed is not hashed again, unless it changed', async () => {
  await using temp = await tempFolder()
  const root = temp.path
  await packageWith(root, { [PREBUILT]: BYTES, 'prebuilds/SHA256SUMS': SUMS })
  const verified = new Set<string>()
  findAddon(place(root, { verified }))
  assert.equal(verified.size, 1)
  // Without its line it would be refused if anybody looked.
  await packageWith(root, { 'prebuilds/SHA256SUMS': '' })
  assert.equal(findAddon(place(root, { verified })).origin, 'prebuilt')
  await packageWith(root, { [PREBUILT]: new Uint8Array([9, 9, 9, 9]) })
  assert.throws(() => findAddon(place(root, { verified })), /has no SHA-256/)
})

test('on musl the file is refused before anything loads it', async () => {
  await using temp = await tempFolder()
  await packageWith(temp.path, { [PREBUILT]: BYTES, 'prebuilds/SHA256SUMS': SUMS })
  assert.throws(() => findAddon(place(temp.path, { glibc: () => false })), /needs glibc.*musl/)
})

test('where there is none, a checkout says how to build it, a package which one it lacks', async () => {
  await using temp = await tempFolder()
  assert.throws(() => findAddon(place(temp.path, { arch: 'riscv64' })), /no prebuilt native addon for linux-riscv64/)
  await packageWith(temp.path, { 'native/Cargo.toml': '' })
  assert.throws(() => findAddon(place(temp.path)), /not built.*build:native/)
})
