/** relay-canary.json: requests, eligibility, answers as captured. The witness's own limits come with reachability. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../src/base/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import type { Json } from './parts/blob.ts'
import { checkCapture } from './parts/capture.ts'

const RESULTS = ['success', 'failure', 'refused'] as const

export default function suite(document: Json): void {
  for (const vector of document.cases) {
    test(vector.case, async () => {
      const request = protocol.decodeRelayCanaryRequest(vectorBytes(vector.request.payload_hex))
      assert.equal(request.target, vector.request.target_peer_id)
      assert.equal(protocol.formatSocketAddress(request.relay), vector.request.relay_addr)
      assert.equal(request.epoch, BigInt(vector.request.eligibility_epoch))
      assert.equal(toHex(protocol.encodeRelayCanaryRequest(request)), vector.request.payload_hex)
      const eligible = protocol.isRelayWitness(request.target, vector.witness_peer_id, request.epoch)
      assert.equal(eligible, vector.eligibility_first_byte < 0x40)

      const { topic, data } = await checkCapture(vector.answer.wire)
      assert.equal(topic, protocol.requestTopic(protocol.TOPIC_RELAY_CANARY))
      const { payload } = protocol.decodeRequestEnvelope(data)
      assert.equal(toHex(payload), vector.answer.payload_hex)
      const result = protocol.decodeRelayCanaryResult(payload)
      assert.equal(result, RESULTS[payload[0] as number])
      assert.equal(toHex(protocol.encodeRelayCanaryResult(result)), vector.answer.payload_hex)
    })
  }
}
