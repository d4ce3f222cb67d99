/** Every decoder that `src/audit` exports. */
import * as audit from '../../../src/audit/index.ts'
import type { Bytes } from '../../../src/base/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { type FuzzTarget, vectors } from './target.ts'

const { retention } = vectors('commitments').signed_commitment
export const RETENTION_MAINS: readonly Bytes[] = [
  vectorBytes(retention.not_gossiped.hex),
  vectorBytes(retention.gossiped.hex),
]
export const RETENTION_POINTERS: Bytes = vectorBytes(retention.pointer_leaves.hex)
export const RETAINED_PIN: string = retention.commitment_hash

export const AUDIT_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'commitment_retention.bin',
    covers: ['decodeRetention'],
    corpus: RETENTION_MAINS,
    decode: audit.decodeRetention,
  },
  {
    name: 'commitment_retention_pointers.bin',
    covers: ['decodeRetentionPointers'],
    corpus: [RETENTION_POINTERS],
    decode: audit.decodeRetentionPointers,
  },
]
