// NOTICES.txt of the npm package: the licences of everything that is linked into the addons and the wasm core.
// npm dependencies are not named: each is installed with its own licence.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const native = join(root, 'native')
const TRIPLES = ['x86_64-unknown-linux-gnu', 'aarch64-unknown-linux-gnu', 'wasm32-unknown-unknown']
const LICENCE_FILE = /^(licen[cs]e|copying|notice|copyright|unlicense)/i

export function notices() {
  const parts = [...crates(), ...others()]
  // One text is shared by many crates: it is printed once, after all who use it.
  const texts = new Map()
  for (const part of parts)
    for (const text of part.texts) {
      const key = createHash('sha256').update(text.replace(/\s+/g, ' ').trim()).digest('hex')
      const entry = texts.get(key) ?? { text, users: [] }
      entry.users.push(part.name)
      texts.set(key, entry)
    }
  const list = parts.map(({ name, licence, home }) => `${name}\n    ${licence}${home ? `\n    ${home}` : ''}`)
  const blocks = [...texts.values()].map(
    ({ text, users }) => `${'='.repeat(78)}\n${users.join(', ')}\n\n${text.trim()}`,
  )
  const head = 'Myrmex ships compiled code of the following works. Myrmex itself is under the licence in LICENSE.'
  return `${head}\n\n${list.join('\n')}\n\n${blocks.join('\n\n')}\n`
}

/** Every crate whose code can end in a file of ours: normal dependencies only, for each target that is built. */
function crates() {
  const found = new Map()
  for (const triple of TRIPLES) {
    const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', triple]
    const { packages, resolve } = JSON.parse(
      execFileSync('cargo', args, { cwd: native, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 2] }),
    )
    const byId = new Map(packages.map((entry) => [entry.id, entry]))
    const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
    const root = packages.find(({ name }) => name === (triple.startsWith('wasm') ? 'myrmex-core' : 'myrmex-addon'))
    const waiting = [root.id]
    const seen = new Set(waiting)
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const entry = byId.get(id)
      if (entry.source !== null) found.set(`${entry.name} ${entry.version}`, entry)
      for (const { pkg, dep_kinds } of nodes.get(id).deps)
        if (!seen.has(pkg) && dep_kinds.some(({ kind }) => kind === null) && !isMacro(byId.get(pkg))) {
          seen.add(pkg)
          waiting.push(pkg)
        }
    }
  }
  return [...found.keys()].sort().map((name) => {
    const { license, license_file, repository, manifest_path } = found.get(name)
    const folder = dirname(manifest_path)
    // aws-lc-sys and lmdb-master-sys carry the C library of another project in a folder of its own.
    const texts = [folder, join(folder, 'aws-lc'), join(folder, 'lmdb', 'libraries', 'liblmdb')].flatMap(licencesIn)
    if (license_file) texts.push(readFileSync(join(folder, license_file), 'utf8'))
    return { name, licence: license ?? 'see below', home: repository, texts: [...new Set(texts)] }
  })
}

/** Runs in the compiler: nothing of it is in the result but what it wrote. */
function isMacro({ targets }) {
  return targets.some(({ kind }) => kind.includes('proc-macro'))
}

/** What is linked in without being a crate. */
function others() {
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { cwd: native, encoding: 'utf8' }).trim()
  const rust = join(sysroot, 'share', 'doc', 'rust', 'licenses')
  const headers = join(root, 'node_modules', 'node-addon-api')
  return [
    {
      name: 'Rust standard library',
      licence: 'MIT OR Apache-2.0',
      home: 'https://github.com/rust-lang/rust',
      texts: ['MIT.txt', 'Apache-2.0.txt']
        .map((file) => join(rust, file))
        .filter(existsSync)
        .map(textOf),
    },
    {
      name: 'LLVM libc++, libc++abi, libunwind, compiler-rt',
      licence: 'Apache-2.0 WITH LLVM-exception',
      home: 'https://llvm.org',
      texts: llvmLicences(),
    },
    {
      name: 'node-addon-api',
      licence: 'MIT',
      home: 'https://github.com/nodejs/node-addon-api',
      texts: licencesIn(headers),
    },
  ]
}

/** As zig ships them beside the sources of these libraries. */
function llvmLicences() {
  const tools = join(root, '.tmp')
  const files = readdirSync(tools).filter((name) => /^zig-[0-9a-f]+$/.test(name))
  for (const name of files)
    for (const python of readdirSync(join(tools, name, 'lib')))
      for (const library of ['libcxx', 'libunwind']) {
        const file = join(tools, name, 'lib', python, 'site-packages', 'ziglang', 'lib', library, 'LICENSE.TXT')
        if (existsSync(file)) return [textOf(file)]
      }
  throw new Error(`no licence of LLVM found under ${tools}: npm run build:prebuilt fetches it`)
}

function licencesIn(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map((entry) => textOf(join(folder, entry.name)))
}

function textOf(file) {
  return readFileSync(file, 'utf8')
}
