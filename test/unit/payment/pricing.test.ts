import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countOf, parseRewardsAddress, priceOf } from '../../../src/payment/index.ts'
import { MAX_U256, u256BigEndian, u256FromBigEndian, u256LittleEndian } from '../../../src/payment/u256.ts'

test('the inverse finds every count, one atto below it the one before', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (count) => {
      assert.equal(countOf(priceOf(count)), count)
      assert.equal(countOf(priceOf(count) - 1n), count - 1n)
    }),
  )
})

test('256-bit integers keep their value in both byte orders', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_U256 }), (value) => {
      assert.equal(u256FromBigEndian(u256BigEndian(value)), value)
      assert.equal(u256FromBigEndian(u256LittleEndian(value).reverse()), value)
    }),
  )
  assert.equal(u256LittleEndian(1n)[0], 1)
  assert.equal(u256BigEndian(1n)[31], 1)
})

test('rewards addresses', () => {
  const hex = 'a78d8321B20c4Ef90eCd72f2588AA985A4BDb684'
  assert.deepEqual(parseRewardsAddress(`0x${hex}`), parseRewardsAddress(`0X${hex.toLowerCase()}`))
  for (const wrong of ['', hex, `0x${hex}00`, `0x${hex.slice(1)}`, `0x${hex.slice(2)}zz`, ` 0x${hex}`]) {
    assert.throws(() => parseRewardsAddress(wrong), { code: 'PAYMENT_REWARDS_ADDRESS' }, wrong)
  }
})
