import type { Group } from '../context.ts'
import { kernels } from './kernels.ts'
import { files } from './files.ts'
import { pool } from './pool.ts'
import { quic } from './quic.ts'

/** In the order in which they run. */
export const GROUPS: readonly Group[] = [kernels, pool, files, quic]
