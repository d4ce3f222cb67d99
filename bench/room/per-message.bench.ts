/**
 * What each received message costs besides crypto and codec: its turn in the queue, and one look at the sender's trust.
 * Both must stay far below the 35 us of a signature check, with any number of senders.
 */
import { seededRandom } from '../../src/base/index.ts'
import { InboundQueue } from '../../src/network/inbound-queue.ts'
import { peerIdOf } from '../../src/protocol/index.ts'
import { TrustEngine } from '../../src/trust/index.ts'
import { compare } from '../measure.ts'
import { benchFile } from '../shelf.ts'

const LIMITS = { queueMessages: 1024, queueBytes: 64 * 2 ** 20, queueMessagesPerConnection: 256 }

export default benchFile({
  steps: ({ effort }) => [
    {
      id: 'inbound queue, in and out',
      run: () => {
        const message = new Uint8Array(1024)
        const turn = (links: number) => {
          const queue = new InboundQueue<number>(LIMITS)
          for (let link = 0; link < links; link++) queue.push(link, message)
          let at = 0
          return () => {
            queue.push(at++ % links, message)
            return queue.next()
          }
        }
        const contenders = [1, 10, 1000].map((links) => ({ name: `${links} waiting`, run: turn(links) }))
        return compare('inbound queue, in and out', contenders, effort)
      },
    },
    {
      id: 'trust, one event and one reading',
      run: () => {
        const known = (count: number) => {
          const trust = new TrustEngine()
          const dice = seededRandom(count)
          const peers = Array.from({ length: count }, () => peerIdOf(dice.bytes(32)))
          let at = 0
          return () => {
            const peer = peers[at++ % count] as (typeof peers)[number]
            trust.event(peer, 'requestFailed', at)
            return trust.scoreOf(peer, at)
          }
        }
        const contenders = [10, 1000, 10_000].map((count) => ({ name: `${count} known`, run: known(count) }))
        return compare('trust, one event and one reading', contenders, effort)
      },
    },
  ],
})
