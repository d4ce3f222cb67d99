/** Client side of networks without payment. */
import type { Clock } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import { signLocalProof } from './local-proof.ts'
import type { Payer } from './ports.ts'

export function createLocalPayer(signer: Signer, clock: Clock): Payer {
  return {
    mode: 'local',
    async pay(addresses, { signal }) {
      const proofs: Uint8Array[] = []
      for (const { address } of addresses) {
        signal.throwIfAborted()
        proofs.push(await signLocalProof(signer, address, Math.floor(clock.now() / 1000)))
      }
      return proofs
    },
  }
}
