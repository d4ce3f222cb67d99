/**
 * What the wire costs besides crypto. If a 4 MiB message costs more than one copy of its bytes, a codec copies twice;
 * if a DHT answer costs more than its signature, a lookup is bound by its codec.
 */
import { randomBytes } from 'node:crypto'
import type { Signer } from '../../src/crypto/index.ts'
import {
  ADDRESS_TYPE,
  chunkAddressOf,
  type DhtMessage,
  decodeChunkMessage,
  decodeDhtMessage,
  decodeWireMessage,
  encodeChunkMessage,
  encodeDhtMessage,
  encodeWireMessage,
  type Key,
  peerIdOf,
  quicMultiaddr,
  TOPIC_DHT,
} from '../../src/protocol/index.ts'
import { sizeText } from '../format.ts'
import { noise } from '../inputs.ts'
import { compare } from '../measure.ts'
import { benchFile, type Context, type Step } from '../shelf.ts'

export default benchFile({
  steps: (context) => {
    const sizes = context.level === 'smoke' ? [1024] : [1024, 4 * 1024 * 1024]
    return [
      ...sizes.map((size) => wire(size, context)),
      ...sizes.map((size) => putRequest(size, context)),
      ...sizes.map((size) => memoryCopy(size, context)),
      dhtRequest(context),
      dhtAnswer(context),
    ]
  },
})

/** Signed by a constant: what is measured is the form, and ml-dsa.bench.ts has the signatures. */
const signer: Signer = { publicKey: noise(1952), sign: async () => SIGNATURE }
const SIGNATURE = new Uint8Array(3309)

function wire(size: number, { effort }: Context): Step<undefined> {
  const id = `wire message ${sizeText(size)}`
  return {
    id,
    async run() {
      const fields = { topic: TOPIC_DHT, from: somePeer(), timestamp: 1_700_000_000, userAgent: 'node/bench' }
      const message = { ...fields, data: noise(size) }
      const encoded = await encodeWireMessage(message, signer)
      const contenders = [
        { name: 'encode', run: () => encodeWireMessage(message, signer) },
        { name: 'decode', run: () => decodeWireMessage(encoded) },
      ]
      return compare(id, contenders, effort)
    },
  }
}

function putRequest(size: number, { effort }: Context): Step<undefined> {
  const id = `chunk put request ${sizeText(size)}`
  return {
    id,
    async run() {
      const body = { kind: 'putRequest', address: chunkAddressOf(noise(32)), content: noise(size) } as const
      const encoded = encodeChunkMessage({ requestId: 7n, body })
      const contenders = [
        { name: 'encode', run: () => encodeChunkMessage({ requestId: 7n, body }) },
        { name: 'decode', run: () => decodeChunkMessage(encoded) },
      ]
      return compare(id, contenders, effort)
    },
  }
}

/** The yardstick of the rows above. */
function memoryCopy(size: number, { effort }: Context): Step<undefined> {
  const id = `copy of ${sizeText(size)}`
  return {
    id,
    run: () => {
      const data = noise(size)
      return compare(id, [{ name: 'Uint8Array.slice', run: () => data.slice() }], effort)
    },
  }
}

function dhtRequest({ effort }: Context): Step<undefined> {
  return { id: 'dht find node', run: () => dht('dht find node', findNode(), effort) }
}

function dhtAnswer({ effort }: Context): Step<undefined> {
  const id = 'dht answer with 20 nodes'
  return {
    id,
    run: () => {
      const request = findNode()
      const node = (i: number) => ({
        peerId: somePeer(),
        addresses: [{ address: quicMultiaddr({ ip: `21.3.${i}.1`, port: 10_000 }), type: ADDRESS_TYPE.direct }],
      })
      const { key } = request.operation as { key: Key }
      const nodes = Array.from({ length: 20 }, (_, i) => node(i))
      return dht(id, { ...request, type: 'response', result: { kind: 'nodesFound', key, nodes } }, effort)
    },
  }
}

function dht(id: string, message: DhtMessage, effort: Context['effort']) {
  const encoded = encodeDhtMessage(message)
  const contenders = [
    { name: 'encode', run: () => encodeDhtMessage(message) },
    { name: 'decode', run: () => decodeDhtMessage(encoded) },
  ]
  return compare(id, contenders, effort)
}

function findNode(): DhtMessage {
  return {
    messageId: '4f1b9ad2-4b6e-4f0c-9e0d-2f2a6d1f1c11',
    source: somePeer(),
    type: 'request',
    operation: { kind: 'findNode', key: noise(32) as Key },
    timestamp: 1_700_000_000,
    ttl: 10,
    hopCount: 0,
  }
}

function somePeer() {
  return peerIdOf(randomBytes(32))
}
