/** The judge of the prebuilt addons: what it reads in a program that everybody here has, Node itself. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

interface Elf {
  readonly arch: string
  readonly needed: readonly string[]
  readonly versions: readonly string[]
  readonly symbols: ReadonlySet<string>
  readonly exported: ReadonlySet<string>
}

const { readElf, glibcFloor } = (await import(join(import.meta.dirname, '../../../scripts/elf.mjs'))) as {
  readElf(bytes: Buffer): Elf
  glibcFloor(versions: readonly string[]): readonly [number, number] | undefined
}

const skip = process.platform === 'linux' ? false : 'Node is an ELF file on Linux only'

test('architecture, libraries, versions and symbols of Node', { skip }, () => {
  const elf = readElf(readFileSync(process.execPath))
  assert.equal(elf.arch, process.arch)
  assert.ok(elf.needed.includes('libc.so.6'), elf.needed.join(' '))
  const [major, minor] = glibcFloor(elf.versions) ?? [0, 0]
  assert.ok(major === 2 && minor >= 17 && minor < 100, `${major}.${minor}`)
  assert.ok(elf.exported.has('napi_create_function'))
  // It asks for malloc, so it does not have it.
  assert.ok(!elf.exported.has('malloc'))
})

test('the floor is the highest version, by number and not by letter', () => {
  assert.deepEqual(glibcFloor(['GLIBC_2.9', 'GLIBC_2.17', 'GLIBC_2.2.5', 'GLIBCXX_3.4.21']), [2, 17])
  assert.equal(glibcFloor(['CXXABI_1.3']), undefined)
})

test('anything else is refused', () => {
  assert.throws(() => readElf(Buffer.from('MZ not this one, and long enough to have a header')), /not a 64-bit/)
  assert.throws(
    () => readElf(Buffer.from('\x7fELF\x01\x01 of 32 bits, and long enough to have one', 'latin1')),
    /64-bit/,
  )
})
