/** One chunk of self-encryption, there and back: what one core can do, and which backend does it. */
import { allBackends } from '../backends.ts'
import { sizeText } from '../format.ts'
import { logText, noise } from '../inputs.ts'
import { compare } from '../measure.ts'
import { benchFile } from '../shelf.ts'

export default benchFile({
  steps: ({ effort, level }) => {
    const size = level === 'smoke' ? 65536 : 4_190_208
    // Plain JS takes most of a second for one chunk.
    const backends = () => allBackends().filter(({ name }) => level !== 'quick' || name !== 'js')
    const inputs = { noise, 'log text': logText }
    return Object.entries(inputs).flatMap(([name, make]) => {
      const prepare = () => {
        const plain = make(size)
        const [first] = allBackends() as [ReturnType<typeof allBackends>[number]]
        const neighbours = { neighbour1: new Uint8Array(32).fill(1), neighbour2: new Uint8Array(32).fill(2) }
        const keys = { source: first.blake3(plain), ...neighbours, index: 0, level: 0 }
        return { plain, keys, sealed: first.sealChunk(plain, keys).content }
      }
      const what = level === 'smoke' ? sizeText(size) : 'a full chunk'
      const sealId = `seal ${what} of ${name}`
      const openId = `open ${what} of ${name}`
      return [
        {
          id: sealId,
          run: async () => {
            const { plain, keys } = prepare()
            const contenders = backends().map((b) => ({ name: b.name, run: () => b.sealChunk(plain, keys) }))
            return compare(sealId, contenders, effort, size)
          },
        },
        {
          id: openId,
          run: async () => {
            const { sealed, keys } = prepare()
            const contenders = backends().map((b) => ({ name: b.name, run: () => b.openChunk(sealed, keys, size) }))
            return compare(openId, contenders, effort, size)
          },
        },
      ]
    })
  },
})
