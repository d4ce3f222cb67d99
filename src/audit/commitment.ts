/** A tree under its owner's signature, and what an auditor checks of one (replication.md 14.1, 16.4). */
import { toHex } from '../base/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import {
  commitmentPin,
  createStorageCommitment,
  type PeerId,
  peerIdOfPublicKey,
  type StorageCommitment,
  verifyStorageCommitment,
} from '../protocol/index.ts'
import type { CommitmentTree } from './commitment-tree.ts'

declare const brand: unique symbol
/** 64 lower-case hex digits: the hash of one signed commitment. */
export type Pin = string & { readonly [brand]: 'Pin' }

export interface SignedTree {
  readonly commitment: StorageCommitment
  readonly pin: Pin
  readonly tree: CommitmentTree
}

/** Pin of 32 bytes. */
export function pinOf(hash: Uint8Array): Pin {
  return toHex(hash) as Pin
}

export function pinOfCommitment(commitment: StorageCommitment): Pin {
  return pinOf(commitmentPin(commitment))
}

/** A fresh signature, so a fresh pin each time: sign only when the root changed. */
export async function signTree(tree: CommitmentTree, signer: Signer): Promise<SignedTree> {
  const commitment = await createStorageCommitment({ root: tree.root, keyCount: tree.keyCount }, signer)
  return { commitment, pin: pinOfCommitment(commitment), tree }
}

/** What is wrong with a commitment: another peer's, another key's, another pin, no valid signature. */
export type CommitmentFault = 'peer' | 'owner' | 'pin' | 'signature'

/** In this order; undefined when it is the one that `peer` showed under `pin`. */
export async function checkCommitment(
  commitment: StorageCommitment,
  { peer, pin }: { readonly peer: PeerId; readonly pin: Pin },
  verifier: Verifier,
): Promise<CommitmentFault | undefined> {
  if (commitment.peer !== peer) return 'peer'
  if (peerIdOfPublicKey(commitment.publicKey) !== peer) return 'owner'
  if (pinOfCommitment(commitment) !== pin) return 'pin'
  return (await verifyStorageCommitment(commitment, verifier)) ? undefined : 'signature'
}
