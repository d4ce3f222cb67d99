/** addresses.json: bytes, texts, keys, and the scripted lookups. */
import { test } from 'node:test'
import { addressRecordSuite } from './parts/address-records.ts'
import type { Json } from './parts/blob.ts'
import { dhtNodeSuite } from './parts/dht-nodes.ts'
import { keySuite } from './parts/keys.ts'
import { lookupSuite } from './parts/lookups.ts'
import { multiaddrSuite } from './parts/multiaddrs.ts'

export default function suite(document: Json): void {
  multiaddrSuite(document)
  keySuite(document)
  dhtNodeSuite(document)
  addressRecordSuite(document)
  lookupSuite(document)
  for (const section of ['rollout', 'user_agents']) {
    test(section, { skip: 'staged roll-outs and default agents of the reference are not ours' }, () => undefined)
  }
}
