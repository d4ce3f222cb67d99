/** Every command, in the order of the overview. Its file, and the rooms it stands on, are read when it is called. */
import type { Command } from '../command.ts'

export interface CommandEntry {
  readonly name: string
  load(): Promise<Command>
}

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'file upload', load: async () => (await import('./file.ts')).fileUpload },
  { name: 'file download', load: async () => (await import('./file.ts')).fileDownload },
  { name: 'chunk put', load: async () => (await import('./chunk.ts')).chunkPut },
  { name: 'chunk get', load: async () => (await import('./chunk.ts')).chunkGet },
  { name: 'encrypt', load: async () => (await import('./encrypt.ts')).encrypt },
  { name: 'decrypt', load: async () => (await import('./decrypt.ts')).decrypt },
  { name: 'start', load: async () => (await import('./start.ts')).start },
  { name: 'devnet start', load: async () => (await import('./devnet.ts')).devnetStart },
  { name: 'devnet status', load: async () => (await import('./devnet.ts')).devnetStatusCommand },
  { name: 'devnet stop', load: async () => (await import('./devnet.ts')).devnetStop },
  { name: 'devnet chaos', load: async () => (await import('./devnet-chaos.ts')).devnetChaos },
  { name: 'node run', load: async () => (await import('./node-run.ts')).nodeRun },
  { name: 'doctor', load: async () => (await import('./doctor.ts')).doctor },
  { name: 'sim', load: async () => (await import('./sim.ts')).sim },
  { name: 'bench', load: async () => (await import('./bench.ts')).bench },
]

export function loadCommands(entries: readonly CommandEntry[]): Promise<Command[]> {
  return Promise.all(entries.map((entry) => entry.load()))
}
