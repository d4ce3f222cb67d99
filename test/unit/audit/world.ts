/** One node that holds contents and answers subtree audits, and an auditor's side of both rounds. No network. */
import assert from 'node:assert/strict'
import * as audit from '../../../src/audit/index.ts'
import { atOnce, type Bytes, type Random, seededRandom } from '../../../src/base/index.ts'
import { backend, blockKernels, type Signer } from '../../../src/crypto/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  createPointer,
  type PeerId,
  peerIdOfPublicKey,
  pointerAddress,
  type SliceItem,
  type SubtreeAuditResult,
  type SubtreeLeaf,
} from '../../../src/protocol/index.ts'
import { SimSignatures } from '../../../src/sim/index.ts'

export const kernels = blockKernels(backend())

/** From SEED in the environment or by chance, and printed: a failing run can be repeated. */
export function printedSeed(suite: string): number {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`# ${suite}: SEED=${seed}`)
  return seed
}

export interface Node {
  readonly signer: Signer
  readonly peer: PeerId
  readonly contents: Map<ChunkAddress, Bytes>
  readonly pointers: Map<ChunkAddress, Bytes>
}

export interface World {
  readonly random: Random
  readonly verifier: SimSignatures
  /** A node with so many chunks (of up to `bytes` bytes) and pointers. */
  node(chunks: number, options?: { pointers?: number; bytes?: number }): Promise<Node>
}

export function createWorld(seed: number): World {
  const random = seededRandom(seed)
  const verifier = new SimSignatures(backend(), random)
  return {
    random,
    verifier,
    async node(chunks, { pointers = 0, bytes = 3000 } = {}) {
      const signer = verifier.createSigner(random)
      const node = {
        signer,
        peer: peerIdOfPublicKey(signer.publicKey),
        contents: new Map<ChunkAddress, Bytes>(),
        pointers: new Map<ChunkAddress, Bytes>(),
      }
      for (let i = 0; i < chunks; i++) addChunk(node, random.bytes(4 + Math.floor(random.float() * bytes)))
      for (let i = 0; i < pointers; i++) {
        const owner = verifier.createSigner(random)
        const target = { kind: 0, address: chunkAddressOf(random.bytes(32)) }
        const { encoded } = await createPointer({ counter: BigInt(i), target }, owner)
        node.pointers.set(pointerAddress(owner.publicKey), encoded.slice() as Bytes)
      }
      return node
    },
  }
}

export function addChunk({ contents }: Node, content: Bytes): ChunkAddress {
  const address = chunkAddressOf(backend().blake3(content))
  contents.set(address, content)
  return address
}

export function treeOf(keys: Iterable<ChunkAddress>, pointers: Iterable<ChunkAddress> = []): audit.CommitmentTree {
  return atOnce(audit.buildTree(atOnce(audit.sortedEntries(keys, pointers))))
}

export async function commit(node: Node): Promise<audit.SignedTree> {
  return audit.signTree(treeOf(node.contents.keys(), node.pointers.keys()), node.signer)
}

export function challengeTo(node: Node, { pin }: { pin: audit.Pin }, random: Random): audit.RoundOne {
  const challengeId = BigInt(random.uint32())
  return { challengeId, nonce: random.bytes(32), challengedPeer: node.peer, pin }
}

/** Round 1 as an honest node answers it; throws when it lacks bytes. */
export async function answerRoundOne(
  node: Node,
  { commitment, tree }: audit.SignedTree,
  challenge: audit.RoundOne,
): Promise<Extract<SubtreeAuditResult, { kind: 'proof' }>> {
  const plan = audit.subtreePlan(challenge.nonce, tree.keyCount) ?? assert.fail('no plan')
  const leaves: SubtreeLeaf[] = []
  for (const planned of audit.plannedLeaves(tree, plan)) {
    const content = (planned.kind === 'chunk' ? node.contents : node.pointers).get(planned.key)
    assert.ok(content, 'the bytes of a planned leaf are gone')
    leaves.push((await audit.proveLeaf(planned, content, challenge, kernels)) ?? assert.fail('other bytes'))
  }
  const proof = audit.buildProof(tree, plan, leaves)
  return { kind: 'proof', challengeId: challenge.challengeId, commitment, proof }
}

export function roundTwo(challenge: audit.RoundOne, leaves: readonly SubtreeLeaf[], random: Random): audit.RoundTwo {
  const openings = audit.chooseOpenings(leaves, random)
  return { ...challenge, openings, leaves: new Map(leaves.map((leaf) => [leaf.key, leaf])) }
}

/** Round 2 as an honest node answers it: what is gone is absent. */
export async function answerRoundTwo(node: Node, challenge: audit.RoundTwo): Promise<SliceItem[]> {
  const items: SliceItem[] = []
  for (const opening of challenge.openings) {
    const { key } = opening
    const [content, record] = [node.contents.get(key), node.pointers.get(key)]
    if (record !== undefined) items.push({ kind: 'pointerRecord', key, records: [record] })
    else if (content === undefined) {
      if (!items.some((item) => item.key === key)) items.push({ kind: 'absent', key })
    } else items.push((await audit.openBlock(opening, content, challenge, kernels)) ?? assert.fail('no such block'))
  }
  return items
}

export function flipped<T extends Uint8Array>(bytes: T, at = 0): T {
  const copy = bytes.slice() as T
  copy[at] = (copy[at] as number) ^ 1
  return copy
}
