import type { Group } from '../context.ts'
import { files } from './files.ts'
import { growth } from './growth/index.ts'
import { kernels } from './kernels.ts'
import { network } from './network.ts'
import { nodeInside } from './node-inside.ts'
import { pool } from './pool.ts'
import { quic } from './quic.ts'
import { repair } from './repair.ts'

/** In the order in which they run. */
export const GROUPS: readonly Group[] = [kernels, pool, files, quic, network, repair, nodeInside, growth]
