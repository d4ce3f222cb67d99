/** Proof with tag 01: the quotes of one record and what was paid for them (payments.md 10; pure). */
import type { Bytes } from '../base/index.ts'
import {
  keyOf,
  MAX_PAYMENT_PROOF_BYTES,
  MsgpackReader,
  MsgpackWriter,
  type PeerId,
  peerIdOf,
} from '../protocol/index.ts'
import { PaymentError } from './errors.ts'
import { PROOF_TAG } from './proof.ts'
import { type PaymentQuote, readQuote, writeQuote } from './quote.ts'

export interface SingleNodeProof {
  readonly quotes: readonly { readonly issuer: PeerId; readonly quote: PaymentQuote }[]
  /** 32 bytes each; no node reads them. */
  readonly transactionHashes: readonly Uint8Array[]
  /** Storage commitments as MessagePack. */
  readonly sidecars: readonly Uint8Array[]
}

export function encodeSingleNodeProof(proof: SingleNodeProof): Bytes {
  const writer = new MsgpackWriter(64 * 1024).raw(Uint8Array.of(PROOF_TAG.singleNode)).array(3)
  // The quotes are a struct of one field.
  writer.array(1).list(proof.quotes, (w, { issuer, quote }) => {
    w.array(2).uints(keyOf(issuer))
    writeQuote(w, quote)
  })
  writer.list(proof.transactionHashes, (w, hash) => w.bin(hash))
  writer.list(proof.sidecars, (w, sidecar) => w.uints(sidecar))
  return writer.finish()
}

/** Throws PAYMENT_DECODE for another tag or more than 524 288 bytes, PROTOCOL_DECODE for a damaged body. */
export function decodeSingleNodeProof(bytes: Uint8Array): SingleNodeProof {
  if (bytes[0] !== PROOF_TAG.singleNode) {
    throw new PaymentError('PAYMENT_DECODE', 'a single-node proof begins with tag 0x01')
  }
  if (bytes.length > MAX_PAYMENT_PROOF_BYTES) {
    const size = `${bytes.length} bytes, the limit is ${MAX_PAYMENT_PROOF_BYTES}`
    throw new PaymentError('PAYMENT_DECODE', `a payment proof has ${size}`)
  }
  const fields = new MsgpackReader(bytes, 1).struct(
    {
      proof_of_payment: (r) => r.struct({ peer_quotes: (inner) => inner.list(readPeerQuote) }).peer_quotes,
      tx_hashes: (r) => r.list((inner) => inner.bin(32).slice()),
      commitment_sidecars: (r) => r.list((inner) => inner.uints()),
    },
    ['commitment_sidecars'],
  )
  return {
    quotes: fields.proof_of_payment,
    transactionHashes: fields.tx_hashes,
    sidecars: fields.commitment_sidecars ?? [],
  }
}

function readPeerQuote(reader: MsgpackReader): { issuer: PeerId; quote: PaymentQuote } {
  const { issuer, quote } = reader.struct({ issuer: (r) => peerIdOf(r.uints(32)), quote: readQuote })
  return { issuer, quote }
}
