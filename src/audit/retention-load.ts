/** Brings the retention files back: every root is computed again and every signature checked, slot by slot. */
import { equal, messageOf, withPauses } from '../base/index.ts'
import type { Verifier } from '../crypto/index.ts'
import { type ChunkAddress, keyOf, type PeerId, verifyStorageCommitment } from '../protocol/index.ts'
import { type Pin, pinOfCommitment } from './commitment.ts'
import { buildTree, type CommitmentTree } from './commitment-tree.ts'
import { type CommitmentEntries, indexOfKey } from './entries.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'
import { type RetainedSlot, Retention } from './retention.ts'
import { decodeRetention, decodeRetentionPointers, type StoredRetention, type StoredSlot } from './retention-codec.ts'

export interface LoadContext {
  readonly self: PeerId
  readonly verifier: Verifier
  /** Monotonic, and how far the wall clock is ahead of it: the stamps of the files are wall clock milliseconds. */
  readonly now: number
  readonly wallAhead: number
  /** A turn of the event loop: files may hold millions of keys. */
  readonly breathe: () => Promise<void>
  readonly options?: AuditOptions
}

export interface LoadedRetention {
  readonly retention: Retention
  /** What was left out, one sentence each: for the log. */
  readonly faults: readonly string[]
}

type Checked = { readonly slot: RetainedSlot } | { readonly fault: string }

/** Never throws for what the files hold: an unreadable file counts as none, a bad slot as not there. */
export async function loadRetention(
  files: { readonly main: Uint8Array; readonly pointers?: Uint8Array },
  context: LoadContext,
): Promise<LoadedRetention> {
  const { now, options = defaultAuditOptions } = context
  const retention = new Retention(options)
  const faults: string[] = []
  const none: StoredRetention = { slots: [], hasCurrent: false }
  const stored = orElse(() => decodeRetention(files.main), none, faults)
  const empty = new Map<Pin, readonly ChunkAddress[]>()
  const { pointers: file } = files
  const pointers = file === undefined ? empty : orElse(() => decodeRetentionPointers(file), empty, faults)
  const good: RetainedSlot[] = []
  let { hasCurrent } = stored
  for (const [i, slot] of stored.slots.entries()) {
    const checked = await checkSlot(slot, pointers, context)
    if ('slot' in checked) good.push(checked.slot)
    else {
      faults.push(checked.fault)
      if (i === 0) hasCurrent = false
    }
  }
  retention.restore(good, hasCurrent, now)
  return { retention, faults }
}

async function checkSlot(
  { commitment, keys, expiresAt }: StoredSlot,
  pointers: ReadonlyMap<Pin, readonly ChunkAddress[]>,
  { self, verifier, breathe, wallAhead }: LoadContext,
): Promise<Checked> {
  const pin = pinOfCommitment(commitment)
  const fault = (what: string) => ({ fault: `the commitment ${pin.slice(0, 16)} of the retention file ${what}` })
  if (commitment.peer !== self) return fault('belongs to another node')
  if (!(await verifyStorageCommitment(commitment, verifier))) return fault('is not signed by this node')
  const entries = withPointers({ count: commitment.keyCount, keys: keys.slice() }, pointers.get(pin) ?? [])
  if (entries === undefined) return fault('has pointers that are not among its keys')
  let tree: CommitmentTree
  try {
    tree = await withPauses(buildTree(entries), breathe)
  } catch (error) {
    return fault(`cannot be built again: ${messageOf(error)}`)
  }
  if (!equal(tree.root, commitment.root)) return fault('has another root than its keys')
  const until = expiresAt === undefined ? undefined : expiresAt - wallAhead
  return { slot: { signed: { commitment, pin, tree }, expiresAt: until } }
}

function withPointers(
  { count, keys }: Pick<CommitmentEntries, 'count' | 'keys'>,
  addresses: readonly ChunkAddress[],
): CommitmentEntries | undefined {
  const pointers = new Uint8Array(Math.ceil(count / 8))
  for (const address of addresses) {
    const index = indexOfKey({ count, keys, pointers }, keyOf(address))
    if (index === undefined) return undefined
    pointers[index >> 3] = (pointers[index >> 3] as number) | (1 << (index & 7))
  }
  return { count, keys, pointers }
}

function orElse<T>(read: () => T, otherwise: T, faults: string[]): T {
  try {
    return read()
  } catch (error) {
    faults.push(messageOf(error))
    return otherwise
  }
}
