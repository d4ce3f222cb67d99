/** A client's PUT of one chunk to one node of our choice, on the wire. */
import { never } from '../../../../src/base/index.ts'
import type { SimulatedNode } from '../../../../src/devnet/index.ts'
import {
  decodeChunkMessage,
  encodeChunkMessage,
  MAX_CHUNK_MESSAGE_BYTES,
  type PutResult,
  TOPIC_CHUNK,
} from '../../../../src/protocol/index.ts'
import type { ScriptedPeer } from '../../../support/scripted-peer.ts'
import type { Chunk, Stage } from './stage.ts'

const PORT = 10_000

/** `by` dials the node and sends it; the answer of the node. */
export async function putTo(
  node: SimulatedNode,
  by: ScriptedPeer,
  chunk: Chunk,
  paymentProof: Uint8Array,
): Promise<PutResult> {
  const address = { ip: node.host.ip, port: PORT }
  await by.network.connectAddress(address, { signal: never, expected: node.peerId })
  return new Promise((resolve, reject) => {
    const stop = by.network.handle(TOPIC_CHUNK, { maxBytes: MAX_CHUNK_MESSAGE_BYTES }, (data) => {
      const { body } = decodeChunkMessage(data)
      if (body.kind !== 'putResponse') return
      stop()
      resolve(body.result)
    })
    const body = { kind: 'putRequest', address: chunk.key, content: chunk.content, paymentProof } as const
    by.network
      .send(node.peerId, TOPIC_CHUNK, encodeChunkMessage({ requestId: 1n, body }), { signal: never })
      .catch(reject)
  })
}

/** To the node of the stage, paid for. */
export function putChunk(stage: Stage, by: ScriptedPeer, chunk: Chunk): Promise<PutResult> {
  return stage.run(async () => putTo(stage.node, by, chunk, await stage.proofFor(chunk.key)))
}
