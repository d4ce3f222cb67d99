/** Every message costs one signature and one check: how many a second? */
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { allBackends } from '../backends.ts'
import { compare } from '../measure.ts'
import type { Shelf } from '../run.ts'

const bench: Shelf = async function* ({ effort, level }) {
  const message = new Uint8Array(randomBytes(104))
  const backends = allBackends().filter((backend) => level !== 'smoke' || backend.name !== 'js')
  const pair = backends[0]?.mlDsaKeyPair(new Uint8Array(32).fill(7))
  if (!pair) return
  const openssl = generateKeyPairSync('ml-dsa-65')
  const signature = backends[0]?.mlDsaSign(pair.secretKey, message) as Uint8Array
  const opensslSignature = sign(null, message, openssl.privateKey)
  yield await compare(
    'ml-dsa-65 sign',
    [
      ...backends.map((backend) => ({ name: backend.name, run: () => backend.mlDsaSign(pair.secretKey, message) })),
      { name: 'node:crypto', run: () => sign(null, message, openssl.privateKey) },
      { name: '@noble/post-quantum', run: () => ml_dsa65.sign(message, pair.secretKey) },
    ],
    effort,
  )
  yield await compare(
    'ml-dsa-65 verify',
    [
      ...backends.map((backend) => ({
        name: backend.name,
        run: () => backend.mlDsaVerify(pair.publicKey, message, signature),
      })),
      { name: 'node:crypto', run: () => verify(null, message, openssl.publicKey, opensslSignature) },
      { name: '@noble/post-quantum', run: () => ml_dsa65.verify(signature, message, pair.publicKey) },
    ],
    effort,
  )
}
export default bench
