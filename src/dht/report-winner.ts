/** Which of several reports about one peer a lookup believes (dht.md 6.6). Pure. */
import {
  compareDistance,
  type Key,
  type PeerId,
  type SignedAddressRecord,
  type TypedAddress,
} from '../protocol/index.ts'
import { sameAddresses } from './address-entry.ts'

/** How far a report speaks for the subject itself. */
export type ReportAuthority =
  | { readonly kind: 'hint' }
  /** The subject's own word, authenticated but not transferable. */
  | { readonly kind: 'v1'; readonly sequence: bigint }
  | { readonly kind: 'v2'; readonly sequence: bigint; readonly record: SignedAddressRecord }

export interface AddressReport {
  readonly reporter: PeerId
  readonly reporterKey: Key
  readonly addresses: readonly TypedAddress[]
  readonly authority: ReportAuthority
}

const QUORUM_REPORTERS = 3
const QUORUM = 2

/** One report a reporter in; the winner out. */
export function reportWinner(
  subject: { readonly peer: PeerId; readonly key: Key },
  reports: readonly AddressReport[],
): AddressReport | undefined {
  const proven = reports.filter(({ authority }) => authority.kind !== 'hint')
  if (proven.length > 0) return proven.toSorted((a, b) => compareProven(subject.key, a, b))[0]
  const own = reports.find(({ reporter }) => reporter === subject.peer)
  if (own) return own
  const nearest = reports.toSorted((a, b) => compareReporters(subject.key, a, b))
  const voters = nearest.slice(0, QUORUM_REPORTERS)
  const agreed = voters.find(
    (report) => voters.filter((other) => sameAddresses(other.addresses, report.addresses)).length >= QUORUM,
  )
  return agreed ?? nearest[0]
}

/** V2 before V1, newer before older, then the nearer reporter. */
function compareProven(subject: Key, a: AddressReport, b: AddressReport): number {
  const rank = rankOf(b) - rankOf(a)
  if (rank !== 0) return rank
  const [newest, other] = [sequenceOf(a), sequenceOf(b)]
  if (newest !== other) return newest > other ? -1 : 1
  return compareReporters(subject, a, b)
}

function compareReporters(subject: Key, a: AddressReport, b: AddressReport): number {
  return compareDistance(subject, a.reporterKey, b.reporterKey) || bestType(a) - bestType(b)
}

function rankOf({ authority }: AddressReport): number {
  return authority.kind === 'v2' ? 2 : authority.kind === 'v1' ? 1 : 0
}
function sequenceOf({ authority }: AddressReport): bigint {
  return authority.kind === 'hint' ? 0n : authority.sequence
}
function bestType({ addresses }: AddressReport): number {
  return Math.min(255, ...addresses.map(({ type }) => type))
}
