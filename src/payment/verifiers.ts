/** The two ways a node treats payment until chains are read: `free` for local networks, `required` everywhere else. */
import { Registry, resolveOptions } from '../base/index.ts'
import type { Verifier } from '../crypto/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { verifyLocalProof } from './local-proof.ts'
import { createPaymentMetrics, type PaymentMetrics } from './metrics.ts'
import { type PaymentVerifierOptions, paymentVerifierDefaults } from './options.ts'
import type { PaymentVerdict, PaymentVerifier } from './ports.ts'
import { type ProofKind, proofKind, proofSizeFault, unknownTagMessage } from './proof.ts'
import { VerifiedPayments } from './verified-payments.ts'

export interface VerifierExtras {
  readonly registry?: Registry
  readonly options?: Partial<PaymentVerifierOptions>
}

/** Judges a proof of allowed size and known tag. */
type JudgeProof = (kind: ProofKind, address: ChunkAddress, proof: Uint8Array) => Promise<PaymentVerdict>

/** Accepts local proofs, bound to the address and signed by whoever made them; refuses all others. */
export function createFreeVerifier(verifier: Verifier, extras: VerifierExtras = {}): PaymentVerifier {
  return createVerifier(extras, async (kind, address, proof) => {
    if (kind !== 'local') {
      return refused(`this network has no payments: it takes local proofs (tag 0xf0), not ${kind} proofs`)
    }
    if (await verifyLocalProof(verifier, address, proof)) return { kind: 'accepted' }
    return refused(`Local payment proof verification failed for ${address}`)
  })
}

/**
 * Asks everybody for payment. Reading a chain comes later: until then the network's own proofs are answered like
 * missing ones, which is true (nothing was verified) and tells a client to pay elsewhere.
 */
export function createRequiredVerifier(extras: VerifierExtras = {}): PaymentVerifier {
  return createVerifier(extras, async (kind, address, proof) =>
    kind === 'local' ? refused(unknownTagMessage(proof)) : required(address),
  )
}

/** payments.md 11: cache, presence, size, tag, judgement, cache. */
function createVerifier(extras: VerifierExtras, judge: JudgeProof): PaymentVerifier {
  const { cacheEntries } = resolveOptions('payment', paymentVerifierDefaults, extras.options)
  const verified = new VerifiedPayments(cacheEntries)
  const metrics: PaymentMetrics = createPaymentMetrics(extras.registry ?? new Registry())
  return {
    async verifyPayment(address, proof, context, { signal }) {
      signal.throwIfAborted()
      if (verified.satisfies(address, context)) {
        metrics.verdict('cached')
        return { kind: 'accepted' }
      }
      const verdict = await judgeBytes(judge, address, proof)
      if (verdict.kind === 'accepted') verified.add(address, context)
      metrics.verdict(verdict.kind)
      return verdict
    },
  }
}

async function judgeBytes(
  judge: JudgeProof,
  address: ChunkAddress,
  proof: Uint8Array | undefined,
): Promise<PaymentVerdict> {
  if (proof === undefined) return required(address)
  const fault = proofSizeFault(proof)
  if (fault !== undefined) return refused(fault)
  const kind = proofKind(proof)
  return kind === undefined ? refused(unknownTagMessage(proof)) : judge(kind, address, proof)
}

function required(address: ChunkAddress): PaymentVerdict {
  return { kind: 'required', message: `Payment required for new data ${address}` }
}

function refused(message: string): PaymentVerdict {
  return { kind: 'refused', message }
}
