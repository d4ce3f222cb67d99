/** The checks of the layering rule, over a map of file texts so that a broken house can be fed to them on purpose. */
import { dirname, join, normalize } from 'node:path/posix'
import type { Room } from './rooms.ts'

export interface House {
  /** Path under src (posix) to text. */
  readonly files: ReadonlyMap<string, string>
  readonly rooms: Readonly<Record<string, Room>>
  readonly drivers: readonly string[]
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g
const AMBIENT: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/, 'reads the real clock'],
  [/\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b/, 'rolls real dice'],
  [/\bset(?:Timeout|Interval|Immediate)\s*\(|\bAbortSignal\.timeout\b/, 'starts a real timer'],
  [/\bprocess\.(?:env|argv|stdout|stderr|exit|on)\b/, 'reads the process'],
  [/\bconsole\.\w/, 'writes to the console'],
  [
    /from\s+['"]node:(?!crypto['"]|path|events['"]|util['"]|assert|buffer['"])[\w/]+['"]/,
    'imports a driver module of node',
  ],
]

export function violations(house: House): string[] {
  const found: string[] = []
  const edges = new Map<string, string[]>()
  for (const [file, text] of house.files) {
    const room = roomOf(file)
    const entry = house.rooms[room]
    if (!entry) {
      found.push(`${file}: the folder "${room}" is not in the table`)
      continue
    }
    const targets: string[] = []
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith('.')) continue
      const target = normalize(join(dirname(file), specifier))
      if (!house.files.has(target)) found.push(`${file}: imports ${specifier}, which is not there`)
      targets.push(target)
      const targetRoom = roomOf(target)
      if (targetRoom === room) continue
      const targetEntry = house.rooms[targetRoom]
      if (!entry.mayImport.includes(targetRoom)) found.push(`${file}: ${room} may not import ${targetRoom}`)
      else if (targetEntry && targetEntry.rank >= entry.rank) found.push(`${file}: ${room} climbs to ${targetRoom}`)
      if (target !== `${targetRoom}/index.ts`) found.push(`${file}: goes past the door of ${targetRoom} (${specifier})`)
    }
    edges.set(file, targets)
    if (!isDriver(file, house.drivers)) {
      for (const [pattern, what] of AMBIENT)
        if (pattern.test(withoutComments(text))) found.push(`${file}: ${what}, but is not in the list of drivers`)
    }
  }
  for (const cycle of cycles(edges)) found.push(`import cycle: ${cycle.join(' -> ')}`)
  return found
}

export function roomOf(file: string): string {
  return file.split('/')[0] as string
}

export function importsOf(text: string): string[] {
  return [...withoutComments(text).matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function isDriver(file: string, drivers: readonly string[]): boolean {
  return drivers.some((driver) => (driver.endsWith('/') ? file.startsWith(driver) : file === driver))
}

/** Groups of files that import each other round and round (Tarjan, 1972), type imports included. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const result: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file) as number)
    stack.push(file)
    for (const next of edges.get(file) ?? []) {
      if (!index.has(next)) {
        visit(next)
        low.set(file, Math.min(low.get(file) as number, low.get(next) as number))
      } else if (stack.includes(next)) low.set(file, Math.min(low.get(file) as number, index.get(next) as number))
    }
    if (low.get(file) !== index.get(file)) return
    const group = stack.splice(stack.indexOf(file))
    if (group.length > 1) result.push(group.sort())
  }
  for (const file of edges.keys()) if (!index.has(file)) visit(file)
  return result
}
