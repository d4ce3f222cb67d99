/** Every message costs one signature and one check, every node start one key pair: how many a second? */
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { allBackends } from '../backends.ts'
import { compare } from '../measure.ts'
import { benchFile } from '../shelf.ts'

export default benchFile({
  steps: ({ effort, level }) => {
    // The plain JS backend is @noble: one of the two is enough where time is short.
    const backends = () => allBackends().filter(({ name }) => level === 'full' || name !== 'js')
    const message = new Uint8Array(randomBytes(104))
    const seed = new Uint8Array(32).fill(7)
    return [
      {
        id: 'ml-dsa-65 sign',
        run: async () => {
          const { secretKey } = ml_dsa65.keygen(seed)
          const openssl = generateKeyPairSync('ml-dsa-65')
          return compare(
            'ml-dsa-65 sign',
            [
              ...backends().map((backend) => ({
                name: backend.name,
                run: () => backend.mlDsaSign(secretKey, message),
              })),
              { name: 'node:crypto', run: () => sign(null, message, openssl.privateKey) },
              { name: '@noble/post-quantum', run: () => ml_dsa65.sign(message, secretKey) },
            ],
            effort,
          )
        },
      },
      {
        id: 'ml-dsa-65 verify',
        run: async () => {
          const { publicKey, secretKey } = ml_dsa65.keygen(seed)
          const signature = ml_dsa65.sign(message, secretKey)
          const openssl = generateKeyPairSync('ml-dsa-65')
          const opensslSignature = sign(null, message, openssl.privateKey)
          return compare(
            'ml-dsa-65 verify',
            [
              ...backends().map((backend) => ({
                name: backend.name,
                run: () => backend.mlDsaVerify(publicKey, message, signature),
              })),
              { name: 'node:crypto', run: () => verify(null, message, openssl.publicKey, opensslSignature) },
              { name: '@noble/post-quantum', run: () => ml_dsa65.verify(signature, message, publicKey) },
            ],
            effort,
          )
        },
      },
      {
        id: 'ml-dsa-65 key pair',
        run: () =>
          compare(
            'ml-dsa-65 key pair',
            [
              ...backends().map((backend) => ({ name: backend.name, run: () => backend.mlDsaKeyPair(seed) })),
              { name: 'node:crypto', run: () => generateKeyPairSync('ml-dsa-65') },
              { name: '@noble/post-quantum', run: () => ml_dsa65.keygen(seed) },
            ],
            effort,
          ),
      },
    ]
  },
})
