/**
 * Price of one record by the number of keys that the issuer committed to (pure, exact; payments.md 5). Size and type of
 * the data have no influence. Unit: atto = 10^-18 ANT.
 */
export const BASE_PRICE = 3_906_250_000_000_000n
/** 35 156 250 000 000 000 / 36 000 000, a whole number. */
export const PRICE_PER_KEY_SQUARED = 976_562_500n
/** Largest count that a quote may name. */
export const MAX_COMMITTED_KEYS = 1_000_000

const MAX_U64 = 2n ** 64n - 1n

/** base + count^2 * slope. Below 2^256 for every 64-bit count. */
export function priceOf(count: number | bigint): bigint {
  const keys = BigInt(count)
  return BASE_PRICE + keys * keys * PRICE_PER_KEY_SQUARED
}

/** Largest count whose price is not above `price`; 0 below the base, at most 2^64 - 1. For estimates: never check a quote with it. */
export function countOf(price: bigint): bigint {
  if (price <= BASE_PRICE) return 0n
  const root = squareRoot((price - BASE_PRICE) / PRICE_PER_KEY_SQUARED)
  return root > MAX_U64 ? MAX_U64 : root
}

/** Floor of the square root (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (guess + value / guess) >> 1n
    if (next >= guess) return guess
    guess = next
  }
}
