/** The shell of the endpoint refuses wrong arguments with a coded error and never crashes on them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, release } from '../../../src/base/index.ts'
import { loadAddon } from '../../../src/crypto/index.ts'
import { type AddonEndpoint, addonEndpointClass, STATUS } from '../../../src/transport/quic/addon.ts'
import { nativeOptions, QUIC_DEFAULTS } from '../../../src/transport/quic/quic-options.ts'
import { quicSkip } from '../../support/transports.ts'

type Loose = new (...args: unknown[]) => AddonEndpoint
type LooseMethods = Record<keyof AddonEndpoint, (...args: unknown[]) => unknown>

const SECRET = new Uint8Array(32).fill(1)
const BIND = '127.0.0.1:0'
const OPTIONS = nativeOptions(QUIC_DEFAULTS)
const wake = () => undefined

const strange = (): unknown[] => {
  const detached = new Uint8Array(32)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const odd = [undefined, null, true, -1, 0.5, Number.NaN, 2 ** 32, 2 ** 64, 10n, '', 'x'.repeat(1e6), {}, [], wake]
  return [
    ...odd,
    Symbol('s'),
    new Uint8Array(new SharedArrayBuffer(32)),
    detached,
    new Uint16Array(32),
    new DataView(new ArrayBuffer(4)),
  ]
}

function refused(call: () => unknown): void {
  assert.throws(call, (error: unknown) => {
    assert.match(codeOf(error) ?? '', /^(INVALID_ARGUMENT|BIND_FAILED|FAILED)$/, String(error))
    return true
  })
}

test('a constructor with wrong arguments is refused', { skip: quicSkip }, () => {
  const endpoint = addonEndpointClass() as unknown as Loose
  for (const odd of strange()) {
    refused(() => new endpoint(odd, BIND, OPTIONS, wake))
    refused(() => new endpoint(SECRET, odd, OPTIONS, wake))
    refused(() => new endpoint(SECRET, BIND, odd, wake))
    if (typeof odd !== 'function') refused(() => new endpoint(SECRET, BIND, OPTIONS, odd))
  }
  for (const length of [0, 31, 33, 4031, 4033]) refused(() => new endpoint(new Uint8Array(length), BIND, OPTIONS, wake))
  for (const length of [0, 1, OPTIONS.length - 1, OPTIONS.length + 1]) {
    refused(() => new endpoint(SECRET, BIND, new Float64Array(length), wake))
  }
  for (const number of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    refused(() => new endpoint(SECRET, BIND, OPTIONS.with(3, number), wake))
  }
  for (const bind of ['localhost:1', '127.0.0.1', '127.0.0.1:70000', '::1:5', '[::1]', '300.0.0.1:1']) {
    refused(() => new endpoint(SECRET, bind, OPTIONS, wake))
  }
})

test('memory for messages: wrong lengths are refused, and what is moved away is not sent', { skip: quicSkip }, () => {
  const allocate = loadAddon().exports['allocateMessage'] as (...args: unknown[]) => Uint8Array<ArrayBuffer>
  for (const odd of [...strange(), 0, 2 ** 26 + 1]) refused(() => allocate(odd))
  const endpoint = new (addonEndpointClass())(SECRET, BIND, OPTIONS, wake)
  const message = allocate(100_000)
  assert.equal(message.length, 100_000)
  assert.equal(endpoint.send(1, 5, message, false, 0), STATUS.gone)
  const moved = message.buffer.transfer(70_000)
  refused(() => endpoint.send(2, 5, message, false, 0))
  assert.equal(endpoint.send(3, 5, new Uint8Array(moved), false, 0), STATUS.gone)
  release(new Uint8Array(moved))
  assert.ok(moved.detached)
  endpoint.free()
})

test('methods with wrong arguments are refused, and unknown numbers are answered', { skip: quicSkip }, () => {
  const endpoint = new (addonEndpointClass())(SECRET, BIND, OPTIONS, wake)
  const loose = endpoint as unknown as LooseMethods
  const message = new Uint8Array(4)
  for (const odd of strange()) {
    if (typeof odd !== 'string') {
      refused(() => loose.dial(1, odd, 10))
      refused(() => loose.closeConnection(1, 0, odd))
      refused(() => loose.close(1, 0, odd))
      refused(() => loose.shutdown(0, odd, 1))
    }
    for (const method of ['dial', 'send', 'cancel', 'closeConnection', 'setReceiveWindow', 'ping', 'stats'] as const) {
      refused(() => loose[method](odd, odd, odd, odd, odd))
    }
    refused(() => loose.send(1, 1, odd, false, 0))
    if (!(odd instanceof Uint16Array)) {
      refused(() => loose.cutLinks(odd, new Uint16Array()))
      refused(() => loose.cutLinks(new Uint16Array(), odd))
    }
    refused(() => loose.send(1, odd, message, false, 0))
    if (typeof odd !== 'boolean') refused(() => loose.send(1, 1, message, odd, 0))
    if (odd !== -1) refused(() => loose.send(1, 1, message, false, odd))
    if (typeof odd !== 'boolean') refused(() => loose.setReferenced(odd))
  }
  assert.equal(endpoint.send(1, 77, message, false, 0), STATUS.gone)
  assert.equal(endpoint.closeConnection(77, 0, 'x'), STATUS.gone)
  assert.equal(endpoint.setReceiveWindow(77, 1), STATUS.gone)
  assert.equal(endpoint.ping(77), STATUS.gone)
  assert.equal(endpoint.stats(77), undefined)
  assert.equal(endpoint.dial(1, 'nowhere', 10), STATUS.argument)
  assert.equal(endpoint.cutLinks(new Uint16Array(1024), new Uint16Array()), STATUS.ok)
  assert.equal(endpoint.cutLinks(new Uint16Array(), new Uint16Array(1025)), STATUS.argument)
  refused(() => loose.cutLinks(new Uint16Array(new SharedArrayBuffer(4)), new Uint16Array()))
  endpoint.cancel(12345)
  const values: unknown[] = []
  assert.equal(endpoint.drain(new Float64Array(4), values), 0)
  assert.deepEqual(values, [])
  assert.throws(() => endpoint.drain(new Uint8Array(4) as never, values), { code: 'INVALID_ARGUMENT' })
  endpoint.free()
  endpoint.free()
  assert.throws(() => endpoint.drain(new Float64Array(4), values), { code: 'CLOSED' })
  for (const method of ['address', 'publicKey', 'counters'] as const) {
    assert.throws(() => loose[method](), { code: 'CLOSED' })
  }
})
