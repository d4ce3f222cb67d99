/** Every command, in the order of the overview. */
import type { Command } from '../command.ts'
import { bench } from './bench.ts'
import { chunkGet, chunkPut } from './chunk.ts'
import { decrypt } from './decrypt.ts'
import { devnetStart, devnetStatusCommand, devnetStop } from './devnet.ts'
import { doctor } from './doctor.ts'
import { encrypt } from './encrypt.ts'
import { fileDownload, fileUpload } from './file.ts'
import { nodeRun } from './node-run.ts'
import { start } from './start.ts'

export const COMMANDS: readonly Command[] = [
  ...[fileUpload, fileDownload, chunkPut, chunkGet, encrypt, decrypt],
  ...[start, devnetStart, devnetStatusCommand, devnetStop, nodeRun, doctor, bench],
]
