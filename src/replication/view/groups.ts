/** Who is responsible for a key by the own view (replication.md 1, 2.1). Pure; keys are 32 bytes. */
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { OwnView } from './own-view.ts'

export type Widths = Pick<ReplicationOptions, 'closeGroupSize' | 'storageWidth' | 'acceptanceWidth' | 'paidGroupSize'>

/** The 7 closest, self included, nearest first. */
export function closeGroup(view: OwnView, key: Uint8Array, { closeGroupSize }: Widths): PeerId[] {
  return view.closest(key, closeGroupSize)
}

/** The 7 closest without self: whose presence makes a quorum, who gets offers and challenges. */
export function presenceTargets(view: OwnView, key: Uint8Array, widths: Widths): PeerId[] {
  return closeGroup(view, key, widths).filter((peer) => peer !== view.self)
}

/** The 20 closest, self included, nearest first. */
export function paidGroup(view: OwnView, key: Uint8Array, { paidGroupSize }: Widths): PeerId[] {
  return view.closest(key, paidGroupSize)
}

/** The nearest `width` other peers than self. */
export function closestOthers(view: OwnView, key: Uint8Array, width: number): PeerId[] {
  return view
    .closest(key, width + 1)
    .filter((peer) => peer !== view.self)
    .slice(0, width)
}

export function inCloseGroup(view: OwnView, key: Uint8Array, { closeGroupSize }: Widths): boolean {
  return view.rank(key, view.self) < closeGroupSize
}

/** Whether self should hold the key (width 9). */
export function inStorageWidth(view: OwnView, key: Uint8Array, { storageWidth }: Widths): boolean {
  return view.rank(key, view.self) < storageWidth
}

/** Whether self takes the key from clients, offers and hints (width 20). */
export function inAcceptanceWidth(view: OwnView, key: Uint8Array, { acceptanceWidth }: Widths): boolean {
  return view.rank(key, view.self) < acceptanceWidth
}
