// What a 64-bit little-endian ELF file asks for and holds: enough to judge a shared library without binutils.
const SHT_SYMTAB = 2
const SHT_DYNAMIC = 6
const SHT_DYNSYM = 11
const SHT_GNU_VERNEED = 0x6ffffffe
const DT_NEEDED = 1
const MACHINES = { 62: 'x64', 183: 'arm64' }

/** `{ arch, needed, versions, symbols, exported }`; throws on anything that is not such a file. */
export function readElf(bytes) {
  if (bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1)
    throw new Error('not a 64-bit little-endian ELF file')
  const sections = readSections(bytes)
  const text = (table, offset) => {
    const start = sections[table].offset + offset
    return bytes.toString('latin1', start, bytes.indexOf(0, start))
  }
  const of = (type) => sections.filter((section) => section.type === type)
  const symbols = (type, wanted) => of(type).flatMap((section) => symbolsOf(bytes, section, text, wanted))
  return {
    arch: MACHINES[bytes.readUInt16LE(18)] ?? `machine ${bytes.readUInt16LE(18)}`,
    needed: of(SHT_DYNAMIC).flatMap((section) => neededOf(bytes, section, text)),
    versions: of(SHT_GNU_VERNEED).flatMap((section) => versionsOf(bytes, section, text)),
    symbols: new Set(symbols(SHT_SYMTAB, () => true)),
    exported: new Set(symbols(SHT_DYNSYM, ({ section }) => section !== 0)),
  }
}

/** The highest `GLIBC_a.b` that the file asks for, as [a, b]. */
export function glibcFloor(versions) {
  const found = versions.map((name) => /^GLIBC_(\d+)\.(\d+)/.exec(name)).filter(Boolean)
  return found.map(([, a, b]) => [Number(a), Number(b)]).sort((x, y) => y[0] - x[0] || y[1] - x[1])[0]
}

function readSections(bytes) {
  const [table, size, count] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(58), bytes.readUInt16LE(60)]
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * size
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
      entrySize: Number(bytes.readBigUInt64LE(at + 56)),
    }
  })
}

function symbolsOf(bytes, { offset, size, link, entrySize }, text, wanted) {
  const names = []
  for (let at = offset; at < offset + size; at += entrySize)
    if (wanted({ section: bytes.readUInt16LE(at + 6) })) names.push(text(link, bytes.readUInt32LE(at)))
  return names
}

function neededOf(bytes, { offset, size, link }, text) {
  const names = []
  for (let at = offset; at < offset + size; at += 16)
    if (Number(bytes.readBigInt64LE(at)) === DT_NEEDED) names.push(text(link, Number(bytes.readBigUInt64LE(at + 8))))
  return names
}

/** Elf64_Verneed entries, each with a chain of Elf64_Vernaux. */
function versionsOf(bytes, { offset, link, info }, text) {
  const names = []
  for (let i = 0, need = offset; i < info; i++, need += bytes.readUInt32LE(need + 12)) {
    const count = bytes.readUInt16LE(need + 2)
    for (let j = 0, aux = need + bytes.readUInt32LE(need + 8); j < count; j++, aux += bytes.readUInt32LE(aux + 12))
      names.push(text(link, bytes.readUInt32LE(aux + 8)))
  }
  return names
}
