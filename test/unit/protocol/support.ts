/** A peer for tests of signed things: real keys from a label, the backend in force. */
import { utf8 } from '../../../src/base/index.ts'
import { backend, mlDsaSigner, mlDsaVerifier, type Signer, type Verifier } from '../../../src/crypto/index.ts'
import { type PeerId, peerIdOfPublicKey } from '../../../src/protocol/index.ts'

export interface TestPeer {
  readonly id: PeerId
  readonly signer: Signer
}

export function testPeer(label: string): TestPeer {
  const keys = backend().mlDsaKeyPair(backend().blake3(utf8(label)))
  return { id: peerIdOfPublicKey(keys.publicKey), signer: mlDsaSigner(keys, backend()) }
}

export function testVerifier(): Verifier {
  return mlDsaVerifier(backend())
}
