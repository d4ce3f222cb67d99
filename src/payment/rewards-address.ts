import { type Bytes, fromHex } from '../base/index.ts'
import { PaymentError } from './errors.ts'

export const REWARDS_ADDRESS_BYTES = 20
/** What a node without a chain shows: quotes carry the field in any case. */
export const NO_REWARDS_ADDRESS: Uint8Array = new Uint8Array(REWARDS_ADDRESS_BYTES)

/** `0x` and 40 hex digits of either case; throws PAYMENT_REWARDS_ADDRESS otherwise. */
export function parseRewardsAddress(text: string): Bytes {
  const bytes = /^0[xX][0-9a-fA-F]{40}$/.test(text) ? fromHex(text.slice(2)) : undefined
  if (bytes) return bytes
  const shown = JSON.stringify(text.slice(0, 60))
  throw new PaymentError('PAYMENT_REWARDS_ADDRESS', `a rewards address is 0x and 40 hex digits, got ${shown}`)
}
