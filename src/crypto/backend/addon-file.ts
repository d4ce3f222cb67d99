/** Which file is the native addon: the build of this checkout, or the prebuilt one that the npm package carries. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../base/index.ts'

export const HOW_TO_BUILD =
  'install Rust from https://rustup.rs and a C++ compiler, then run npm start or npm run build:native'

/** `override`: named by MYRMEX_ADDON. `built`: from this checkout's sources. `prebuilt`: came with the package. */
export type AddonOrigin = 'override' | 'built' | 'prebuilt'

export interface AddonFile {
  readonly path: string
  readonly origin: AddonOrigin
}

export interface AddonPlace {
  /** The folder of package.json. */
  readonly root: string
  readonly override: string | undefined
  /** As Node names them: `linux`, `arm64`. */
  readonly platform: string
  readonly arch: string
  /** Linux only: the C library that this process runs on is glibc. */
  glibc(): boolean
  /** Files whose checksum this process has seen to be right, whichever thread looked. */
  readonly verified: { has(file: string): boolean; add(file: string): void }
}

/** Throws an Error whose message says what is missing and how to get it. */
export function findAddon(place: AddonPlace): AddonFile {
  if (place.override !== undefined) return { path: place.override, origin: 'override' }
  const built = join(place.root, 'native', 'build', 'myrmex.node')
  if (existsSync(built)) return { path: built, origin: 'built' }
  const name = `${place.platform}-${place.arch}/myrmex.node`
  const prebuilds = join(place.root, 'prebuilds')
  const path = join(prebuilds, name)
  if (existsSync(path)) {
    // Loading it all the same would end in a crash or in missing symbols, by the version of musl.
    if (place.platform === 'linux' && !place.glibc())
      throw new Error(`the prebuilt native addon ${path} needs glibc, and this Node runs on another C library (musl)`)
    check(path, name, join(prebuilds, 'SHA256SUMS'), place.verified)
    return { path, origin: 'prebuilt' }
  }
  if (existsSync(join(place.root, 'native', 'Cargo.toml')))
    throw new Error(`the native addon is not built (${built}): ${HOW_TO_BUILD}`)
  throw new Error(`this package has no prebuilt native addon for ${place.platform}-${place.arch} (${path})`)
}

function check(path: string, name: string, sums: string, verified: AddonPlace['verified']): void {
  const { size, mtimeMs, ino } = statSync(path)
  const identity = `${path} ${size} ${mtimeMs} ${ino}`
  if (verified.has(identity)) return
  const wanted = expected(sums, name)
  const found = createHash('sha256').update(readFileSync(path)).digest('hex')
  if (found !== wanted)
    throw new Error(`the prebuilt native addon ${path} was altered: its SHA-256 is ${found}, ${sums} says ${wanted}`)
  verified.add(identity)
}

/** The digest of one file in the format of sha256sum. */
function expected(sums: string, name: string): string {
  let text: string
  try {
    text = readFileSync(sums, 'utf8')
  } catch (cause) {
    throw new Error(`the checksums of the prebuilt addons cannot be read: ${messageOf(cause)}`, { cause })
  }
  for (const line of text.split('\n')) {
    const [digest, file] = line.trim().split(/\s+\*?/)
    if (file === name && digest !== undefined && /^[0-9a-f]{64}$/.test(digest)) return digest
  }
  throw new Error(`${sums} has no SHA-256 of ${name}`)
}
