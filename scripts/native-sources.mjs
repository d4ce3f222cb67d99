// Everything that the native addon is made of, as one digest: crates, shell, lock file, and the two header packages.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const native = join(root, 'native')

/** `salt`: what else a build depends on, such as the platform. */
export function nativeSourcesDigest(salt) {
  const hash = createHash('sha256')
  const files = []
  // bench: a yardstick in a workspace of its own, no part of the addon.
  const notSources = [join(native, 'build'), join(native, 'bench')]
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (entry.name !== 'target' && !notSources.includes(path)) walk(path)
      } else if (/\.(rs|toml|lock|cc|h)$/.test(entry.name)) files.push(path)
    }
  }
  walk(native)
  for (const name of ['node-addon-api', 'node-api-headers']) {
    const file = join(root, 'node_modules', name, 'package.json')
    if (existsSync(file)) files.push(file)
  }
  for (const file of files.sort()) {
    hash.update(relative(root, file).split(sep).join('/'))
    hash.update('\0')
    hash.update(readFileSync(file))
  }
  hash.update(salt)
  return hash.digest('hex')
}

/** The addon among what `cargo build --message-format json` said; cargo knows where its target folder is. */
export function libraryIn(messages) {
  for (const line of messages.split('\n').reverse()) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.reason === 'compiler-artifact' && message.target?.name === 'myrmex_addon')
      return message.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))
  }
  return undefined
}
