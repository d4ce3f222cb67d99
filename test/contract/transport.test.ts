/** What every driver of the Transport port keeps. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeOf, equal, KiB, MiB, never, release } from '../../src/base/index.ts'
import type { Connection } from '../../src/transport/index.ts'
import { Bench, Mailbox, patterned, quicSkip } from '../support/transports.ts'

const SEND = { signal: never }
const DIAL = { signal: never, timeoutMs: 10_000 }

const withCode = (code: string) => (error: unknown) => {
  assert.equal(codeOf(error), code, String(error))
  return true
}

for (const driver of ['memory', 'simulated', 'quic'] as const) {
  describe(`transport: ${driver}`, { skip: driver === 'quic' && quicSkip, timeout: 120_000 }, () => {
    it('joins two transports that see each other by key and address', async () => {
      await using bench = new Bench(driver)
      const [a, b] = [bench.create(), bench.create()]
      const { ours, theirs } = await bench.connect(a.transport, b.transport)
      assert.equal(ours.side, 'dialler')
      assert.equal(theirs.side, 'acceptor')
      assert.deepEqual(ours.remote, b.transport.localAddress)
      assert.deepEqual(theirs.remote, a.transport.localAddress, 'dialled from the listening socket')
      assert.ok(equal(ours.remoteKey, b.publicKey))
      assert.ok(equal(theirs.remoteKey, a.publicKey))
    })

    it('carries messages of every size both ways, whole', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const [here, there] = [new Mailbox(ours), new Mailbox(theirs)]
      const sizes = [1, 2, KiB, 4 * KiB - 1, 4 * KiB, 4 * KiB + 1, 64 * KiB, 64 * KiB + 1, MiB, 4 * MiB, 10 * MiB]
      for (const [tag, size] of sizes.entries()) {
        const message = patterned(size, tag)
        await ours.send(message, SEND)
        assert.ok(equal(await there.next(), message), `${size} bytes to the acceptor`)
        await theirs.send(message, SEND)
        assert.ok(equal(await here.next(), message), `${size} bytes to the dialler`)
      }
    })

    it('borrows a message only until the send settles, and hands over memory of its own', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const there = new Mailbox(theirs)
      for (const size of [100, 8 * KiB]) {
        const shared = new Uint8Array(size + 20)
        const message = shared.subarray(10, 10 + size)
        message.set(patterned(size, 1))
        await ours.send(message, SEND)
        message.fill(0)
        const got = await there.next()
        assert.ok(equal(got, patterned(size, 1)))
        assert.notEqual(got.buffer, shared.buffer)
        got.fill(9)
        assert.ok(message.every((byte) => byte === 0))
      }
    })

    it('sends from memory it gave out, to several peers, and lets it be released after the sends', async () => {
      await using bench = new Bench(driver)
      const { transport } = bench.create()
      const others = [bench.create(), bench.create()]
      const pairs = await Promise.all(others.map((other) => bench.connect(transport, other.transport)))
      for (const size of [1, 64 * KiB - 1, 64 * KiB, 4 * MiB]) {
        const message = transport.allocate(size)
        assert.equal(message.length, size)
        assert.ok(message.every((byte) => byte === 0))
        message.set(patterned(size, 7))
        const boxes = pairs.map(({ theirs }) => new Mailbox(theirs))
        // The whole of it to one, a part to the other.
        const sends = [
          pairs[0]?.ours.send(message, SEND),
          pairs[1]?.ours.send(message.subarray(size >> 1), { ...SEND, acknowledged: true }),
        ]
        await sends[0]
        const got = await boxes[0]?.next()
        assert.ok(got && equal(got, patterned(size, 7)), `${size} bytes`)
        await sends[1]
        const part = await boxes[1]?.next()
        assert.ok(part && equal(part, patterned(size, 7).subarray(size >> 1)))
        // Released while the endpoint may still have it under way: the send has settled, nothing is acknowledged yet.
        await pairs[0]?.ours.send(message, SEND)
        release(message)
        const last = await boxes[0]?.next()
        assert.ok(last && equal(last, patterned(size, 7)), 'what was accepted arrives whole')
        got.fill(1)
      }
    })

    it('ignores an empty message', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const there = new Mailbox(theirs)
      await ours.send(new Uint8Array(), { ...SEND, acknowledged: true })
      await ours.send(patterned(5, 1), SEND)
      assert.equal((await there.next()).length, 5)
      assert.equal(there.count, 1)
    })

    it('refuses to send above its own limit, and lives on', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair({ maxMessageBytes: 64 * KiB })
      const there = new Mailbox(theirs)
      await assert.rejects(ours.send(new Uint8Array(64 * KiB + 1), SEND), withCode('TRANSPORT_MESSAGE_TOO_LARGE'))
      await ours.send(patterned(64 * KiB, 3), SEND)
      assert.equal((await there.next()).length, 64 * KiB, 'the limit itself passes')
    })

    it("has a message above the peer's limit stopped, and lives on", async () => {
      await using bench = new Bench(driver)
      const [a, b] = [bench.create(), bench.create({ maxMessageBytes: MiB })]
      const { ours, theirs } = await bench.connect(a.transport, b.transport)
      const there = new Mailbox(theirs)
      await assert.rejects(ours.send(patterned(4 * MiB, 1), { ...SEND, acknowledged: true }), (error: unknown) => {
        assert.equal(codeOf(error), 'TRANSPORT_SEND_FAILED', String(error))
        assert.equal((error as { data: { code?: number } }).data.code, 0)
        return true
      })
      await ours.send(patterned(MiB, 2), SEND)
      assert.ok(equal(await there.next(), patterned(MiB, 2)))
      assert.equal(there.count, 1)
    })

    it('carries many messages at once, each exactly once', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const sizes = Array.from({ length: 250 }, (_, i) => 4 + ((i * 7919) % 50) * (i % 10 === 0 ? 8 * KiB : 97))
      const run = async (from: Connection, to: Connection) => {
        const box = new Mailbox(to)
        const sent = Promise.all(sizes.map((size, tag) => from.send(patterned(size, tag), SEND)))
        const got = await box.take(sizes.length)
        await sent
        const seen = new Set(got.map((message) => message[3] as number))
        assert.equal(seen.size, sizes.length)
        for (const message of got) {
          const tag = message[3] as number
          assert.ok(equal(message, patterned(sizes[tag] as number, tag)), `message ${tag}`)
        }
      }
      await Promise.all([run(ours, theirs), run(theirs, ours)])
    })

    it('never shows a part of a message whose send was aborted', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const there = new Mailbox(theirs)
      const why = new Error('changed my mind')
      for (let round = 0; round < 8; round++) {
        const controller = new AbortController()
        const sent = ours.send(patterned(8 * MiB, round), { signal: controller.signal })
        // Later rounds abort when some of it is on the wire.
        for (let i = 0; i < round; i++) await new Promise((resolve) => setImmediate(resolve))
        controller.abort(why)
        await sent.catch((error: unknown) => assert.equal(error, why))
      }
      await assert.rejects(ours.send(patterned(10, 1), { signal: AbortSignal.abort(why) }), (error) => error === why)
      const last = patterned(100, 77)
      await ours.send(last, SEND)
      for (;;) {
        const message = await there.next()
        if (message.length === 100) break
        assert.equal(message.length, 8 * MiB, 'a message that won the race is whole')
      }
    })

    it('resolves an acknowledged send when the peer has it all', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const there = new Mailbox(theirs)
      await ours.send(patterned(MiB, 1), { ...SEND, acknowledged: true, priority: 5 })
      await ours.send(patterned(10, 2), { ...SEND, acknowledged: true, priority: -5 })
      assert.deepEqual(new Set((await there.take(2)).map(({ length }) => length)), new Set([MiB, 10]))
    })

    it('bounds what waits in sends', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair({ sendQueueBytes: MiB })
      const there = new Mailbox(theirs)
      await assert.rejects(ours.send(patterned(MiB + 1, 1), SEND), withCode('TRANSPORT_SEND_FAILED'))
      await ours.send(patterned(MiB, 9), SEND)
      assert.equal((await there.next()).length, MiB, 'the limit itself passes')
    })

    it('keeps messages that come before somebody listens', async () => {
      await using bench = new Bench(driver)
      const [a, b] = [bench.create().transport, bench.create().transport]
      b.onConnection = (connection) => {
        void connection.send(patterned(10, 1), SEND)
        void connection.send(patterned(10 * KiB, 2), SEND)
      }
      await a.start(never)
      await b.start(never)
      const ours = await a.dial(b.localAddress, DIAL)
      await new Promise((resolve) => setImmediate(resolve))
      const lengths = (await new Mailbox(ours).take(2)).map(({ length }) => length)
      assert.deepEqual(
        lengths.sort((x, y) => x - y),
        [10, 10 * KiB],
      )
    })

    it('tells code and reason of a close to both sides', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const waiting = ours.send(patterned(10 * MiB, 1), { ...SEND, acknowledged: true })
      const failed = assert.rejects(waiting, withCode('TRANSPORT_CLOSED'))
      await ours.close(0x524c4f53, 'relay lost')
      await failed
      assert.deepEqual(await ours.closed, { kind: 'local', code: 0x524c4f53, reason: 'relay lost' })
      assert.deepEqual(await theirs.closed, { kind: 'peer', code: 0x524c4f53, reason: 'relay lost' })
      await ours.close(1, 'again')
      await assert.rejects(ours.send(patterned(1, 1), SEND), withCode('TRANSPORT_CLOSED'))
      await assert.rejects(theirs.send(patterned(1, 1), SEND), withCode('TRANSPORT_CLOSED'))
      assert.equal(ours.stats().rttMs >= 0, true)
      ours.setReceiveWindow(MiB)
    })

    it('shows a sign of life for every ping, and none when it is over', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      for (const end of [ours, theirs, ours]) {
        const before = end.stats().receivedBytes
        end.ping()
        // The suite's limit of time is the only one: nothing else is sent that would let the figure grow for ever.
        while (end.stats().receivedBytes <= before) await new Promise(setImmediate)
      }
      await ours.close(0, '')
      const after = ours.stats().receivedBytes
      ours.ping()
      await theirs.closed
      theirs.ping()
      assert.equal(ours.stats().receivedBytes, after)
    })

    it('delivers nothing after a close', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const here = new Mailbox(ours)
      const sends = Array.from({ length: 20 }, (_, tag) => theirs.send(patterned(10, tag), SEND).catch(() => undefined))
      await ours.close(0, '')
      const { count } = here
      await Promise.all(sends)
      await theirs.closed
      assert.equal(here.count, count)
    })

    it('closes every connection on stop, and its peers see it', async () => {
      await using bench = new Bench(driver)
      const hub = bench.create().transport
      const theirs: Connection[] = []
      const all = Promise.withResolvers<void>()
      hub.onConnection = (connection) => {
        if (theirs.push(connection) === 3) all.resolve()
      }
      await hub.start(never)
      const peers = [bench.create().transport, bench.create().transport, bench.create().transport]
      const ours: Connection[] = []
      for (const peer of peers) {
        await peer.start(never)
        ours.push(await peer.dial(hub.localAddress, DIAL))
      }
      // A dialler is done half a round trip earlier; until then a close has to speak in TLS's name, without a reason.
      await all.promise
      await hub.stop()
      const local = { kind: 'local', code: 0, reason: 'shutdown' }
      for (const connection of theirs) assert.deepEqual(await connection.closed, local)
      for (const connection of ours) assert.deepEqual(await connection.closed, { ...local, kind: 'peer' })
    })

    it('may be started and stopped twice, and again', async () => {
      await using bench = new Bench(driver)
      const { transport } = bench.create()
      await transport.stop()
      await transport.start(never)
      const { port } = transport.localAddress
      assert.ok(port > 0)
      await transport.start(never)
      assert.equal(transport.localAddress.port, port)
      const peer = bench.create().transport
      await peer.start(never)
      await peer.dial(transport.localAddress, DIAL)
      await Promise.all([transport.stop(), transport.stop()])
      await assert.rejects(transport.dial(peer.localAddress, DIAL), withCode('TRANSPORT_CLOSED'))
      const again = bench.create({}, { ip: '127.0.0.1', port }).transport
      await again.start(never)
      assert.equal(again.localAddress.port, port, 'the port is free as soon as stop has resolved')
      await peer.dial(again.localAddress, DIAL)
      await transport.start(never)
      await transport.dial(again.localAddress, DIAL)
    })

    it('says when its address is taken', async () => {
      await using bench = new Bench(driver)
      const { transport } = bench.create()
      await transport.start(never)
      const second = bench.create({}, transport.localAddress).transport
      await assert.rejects(second.start(never), withCode('TRANSPORT_ADDRESS_IN_USE'))
      await transport.stop()
      await second.start(never)
    })

    it('gives up a dial that nobody answers, on time or on abort', async () => {
      await using bench = new Bench(driver)
      const [dialler, gone] = [bench.create().transport, bench.create().transport]
      await dialler.start(never)
      await gone.start(never)
      const address = gone.localAddress
      await gone.stop()
      await assert.rejects(
        dialler.dial(address, { signal: never, timeoutMs: 50.5 }),
        withCode('TRANSPORT_DIAL_TIMEOUT'),
      )
      const why = new Error('enough')
      const controller = new AbortController()
      const dial = dialler.dial(address, { signal: controller.signal, timeoutMs: 60_000 })
      setImmediate(() => controller.abort(why))
      await assert.rejects(dial, (error) => error === why)
      await assert.rejects(
        dialler.dial(address, { signal: AbortSignal.abort(why), timeoutMs: 50 }),
        (error) => error === why,
      )
      const pending = assert.rejects(dialler.dial(address, { signal: never, timeoutMs: 60_000 }))
      await dialler.stop()
      await pending
    })

    it('counts bytes', async () => {
      await using bench = new Bench(driver)
      const { ours, theirs } = await bench.pair()
      const there = new Mailbox(theirs)
      const before = [ours.stats().sentBytes, theirs.stats().receivedBytes]
      await ours.send(patterned(MiB, 1), { ...SEND, acknowledged: true })
      await there.next()
      assert.ok(ours.stats().sentBytes - (before[0] as number) >= MiB)
      assert.ok(theirs.stats().receivedBytes - (before[1] as number) >= MiB)
    })

    it('tells both sides what they look like from the other one', async () => {
      await using bench = new Bench(driver)
      const [a, b] = [bench.create().transport, bench.create().transport]
      const { ours, theirs } = await bench.connect(a, b)
      const seen = (connection: Connection) =>
        new Promise((resolve) => {
          connection.onObservedAddress = resolve
        })
      assert.deepEqual(await seen(ours), a.localAddress)
      assert.deepEqual(await seen(theirs), b.localAddress)
      assert.deepEqual(ours.observedAddress, a.localAddress)
    })

    it('takes no more connections than it may have', async () => {
      await using bench = new Bench(driver)
      const { transport } = bench.create({ maxConnections: 2 })
      await transport.start(never)
      const peers = [bench.create().transport, bench.create().transport, bench.create().transport]
      for (const peer of peers) await peer.start(never)
      const dial = (i: number, timeoutMs: number) =>
        peers[i]?.dial(transport.localAddress, { signal: never, timeoutMs }) as Promise<Connection>
      const first = await dial(0, 10_000)
      await dial(1, 10_000)
      await assert.rejects(dial(2, 200), /TRANSPORT|dialling/)
      await first.close(0, '')
    })
  })
}
