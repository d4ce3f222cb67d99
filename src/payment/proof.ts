/** What kind of payment proof some bytes claim to be, and the sidecars' removal (wire.md 20.2; pure). */
import { concat } from '../base/index.ts'
import {
  MAX_PAYMENT_PROOF_BYTES,
  MIN_PAYMENT_PROOF_BYTES,
  MsgpackReader,
  MsgpackWriter,
  ProtocolError,
} from '../protocol/index.ts'

/**
 * First byte of a proof. `local` is ours alone: as far as can be from the network's 01 and 02, so that a stock node
 * names it as unknown. It means something on networks without payment only.
 */
export const PROOF_TAG = { singleNode: 0x01, merkle: 0x02, local: 0xf0 } as const

export type ProofKind = keyof typeof PROOF_TAG

/** undefined for an empty proof or an unknown tag. */
export function proofKind(proof: Uint8Array): ProofKind | undefined {
  const found = Object.entries(PROOF_TAG).find(([, tag]) => tag === proof[0])
  return found?.[0] as ProofKind | undefined
}

/** Why a node refuses these bytes before reading them; undefined when their length is allowed. */
export function proofSizeFault(proof: Uint8Array): string | undefined {
  if (proof.length >= MIN_PAYMENT_PROOF_BYTES && proof.length <= MAX_PAYMENT_PROOF_BYTES) return undefined
  const range = `${MIN_PAYMENT_PROOF_BYTES} to ${MAX_PAYMENT_PROOF_BYTES}`
  return `Payment proof has ${proof.length} bytes, ${range} are allowed`
}

/** The text that the network's nodes answer. */
export function unknownTagMessage(proof: Uint8Array): string {
  return `Unknown payment proof type tag: 0x${(proof[0] ?? 0).toString(16).padStart(2, '0')}`
}

/** Elements of the body before the sidecars, which are the last one. */
const FIELDS_BEFORE_SIDECARS: Readonly<Record<number, number>> = { [PROOF_TAG.singleNode]: 2, [PROOF_TAG.merkle]: 3 }

/**
 * The proof without commitment sidecars, as nodes pass it on; everything before them keeps its bytes. A proof that has
 * none, or none that could be found, comes back as it is.
 */
export function stripSidecars(proof: Uint8Array): Uint8Array {
  const fields = FIELDS_BEFORE_SIDECARS[proof[0] ?? 0]
  if (fields === undefined) return proof
  const reader = new MsgpackReader(proof, 1)
  try {
    if (reader.array() !== fields + 1) return proof
    const start = reader.offset
    for (let i = 0; i < fields; i++) reader.skip()
    const kept = proof.subarray(start, reader.offset)
    const head = new MsgpackWriter(4).array(fields + 1).finish()
    return concat([proof.subarray(0, 1), head, kept, new MsgpackWriter(4).array(0).finish()])
  } catch (error) {
    if (error instanceof ProtocolError) return proof
    throw error
  }
}
