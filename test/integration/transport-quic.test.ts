/** What only the QUIC driver can show: limits on handshakes, slow readers, ends of processes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { codeOf, equal, KiB, MiB, never } from '../../src/base/index.ts'
import type { Connection } from '../../src/transport/index.ts'
import { captureInitials, DatagramSender } from '../support/datagrams.ts'
import { Bench, Mailbox, patterned, quicSkip } from '../support/transports.ts'

const SEND = { signal: never }
const DIAL = { signal: never, timeoutMs: 10_000 }
const EXIT_PROGRAM = fileURLToPath(new URL('../support/transport-exit.ts', import.meta.url))

const withCode = (code: string) => (error: unknown) => {
  assert.equal(codeOf(error), code, String(error))
  return true
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`not within 10 s: ${what}`)
}

describe('QUIC transport', { skip: quicSkip, timeout: 240_000 }, () => {
  it('carries 200 messages of 4 MiB over one connection to a slow reader', async () => {
    await using bench = new Bench('quic')
    const { ours, theirs } = await bench.connect(bench.quic(), bench.quic())
    ours.setReceiveWindow(16 * MiB)
    theirs.setReceiveWindow(16 * MiB)
    const seen = new Set<number>()
    theirs.onMessage = (message) => {
      assert.ok(equal(message, patterned(4 * MiB, message[3] as number)))
      seen.add(message[3] as number)
      // The reader's thread does nothing else for a while, as one that hashes would.
      const until = performance.now() + 5
      while (performance.now() < until);
    }
    let next = 0
    const lane = async () => {
      while (next < 200) await ours.send(patterned(4 * MiB, next++), { ...SEND, acknowledged: true })
    }
    await Promise.all(Array.from({ length: 8 }, lane))
    await until('all messages are there', () => seen.size === 200)
  })

  it('stalls a sender whose peer reads nothing, and bounds its queue', async () => {
    await using bench = new Bench('quic')
    const sender = bench.quic({ writeStallMs: 100, sendQueueBytes: 8 * MiB })
    const { ours } = await bench.connect(sender, bench.quic({ concurrentReads: 0 }))
    const stalled = ours.send(patterned(4 * MiB, 1), SEND)
    const second = ours.send(patterned(4 * MiB, 2), SEND)
    await assert.rejects(ours.send(patterned(KiB, 3), SEND), withCode('TRANSPORT_SEND_FAILED'))
    await assert.rejects(stalled, withCode('TRANSPORT_SEND_STALLED'))
    await assert.rejects(second, withCode('TRANSPORT_SEND_STALLED'))
    await ours.send(patterned(KiB, 4), SEND)
  })

  it('gives up a message that stops coming', async () => {
    await using bench = new Bench('quic')
    const reader = bench.quic({ readStallMs: 100 })
    // One tenth of the message fits into what the reader lets in; the rest waits for a turn that never comes.
    const { ours, theirs } = await bench.connect(bench.quic({ writeStallMs: 60_000 }), reader)
    const there = new Mailbox(theirs)
    const controller = new AbortController()
    const sent = ours.send(patterned(10 * MiB, 1), { signal: controller.signal })
    await turn()
    controller.abort(new Error('gone'))
    await assert.rejects(sent, /gone/)
    await until('the part is dropped', () => reader.counters().messagesDropped === 1)
    await until('its bytes are free', () => reader.counters().inboundBytes === 0)
    await ours.send(patterned(10, 2), SEND)
    assert.equal((await there.next()).length, 10)
  })

  it('drops messages when the peer sends more than fits, without losing the connection', async () => {
    await using bench = new Bench('quic')
    const reader = bench.quic({ maxMessageBytes: MiB, inboundBudgetBytes: 4 * MiB, connectionInboundBytes: 2 * MiB })
    const { ours, theirs } = await bench.connect(bench.quic(), reader)
    const there = new Mailbox(theirs)
    const flood = Array.from({ length: 50 }, (_, tag) =>
      ours.send(patterned(tag % 2 === 0 ? 600 * KiB : 2 * MiB, tag), { ...SEND, acknowledged: true }).then(
        () => 'sent',
        (error: unknown) => codeOf(error),
      ),
    )
    const outcomes = await Promise.all(flood)
    assert.ok(outcomes.some((outcome) => outcome === 'sent'))
    assert.ok(outcomes.some((outcome) => outcome === 'TRANSPORT_SEND_FAILED'))
    await ours.send(patterned(10, 200), SEND)
    while ((await there.next()).length !== 10);
    await until('nothing is held', () => reader.counters().inboundBytes === 0)
  })

  it('refuses an address that makes new connections too fast', async () => {
    await using bench = new Bench('quic')
    const hub = bench.quic({ newConnectionsPerMinute: 1, newConnectionsBurst: 6 })
    const peer = bench.quic()
    await hub.start(never)
    await peer.start(never)
    for (let i = 0; i < 6; i++) await (await peer.dial(hub.localAddress, DIAL)).close(0, '')
    await assert.rejects(peer.dial(hub.localAddress, DIAL), withCode('TRANSPORT_DIAL_FAILED'))
    assert.ok(hub.counters().retried > 0, 'half of the burst is kept for addresses that prove themselves')
    assert.ok(hub.counters().refused > 0)
  })

  it('refuses an address that has too many connections', async () => {
    await using bench = new Bench('quic')
    const hub = bench.quic({ maxConnectionsPerIp: 3 })
    const peer = bench.quic()
    await hub.start(never)
    await peer.start(never)
    const first = await peer.dial(hub.localAddress, DIAL)
    await peer.dial(hub.localAddress, DIAL)
    await peer.dial(hub.localAddress, DIAL)
    await assert.rejects(peer.dial(hub.localAddress, DIAL), withCode('TRANSPORT_DIAL_FAILED'))
    await first.close(0, '')
    await until('the place is free', () => hub.counters().connections < 3)
    await peer.dial(hub.localAddress, DIAL)
  })

  it('survives a flood of handshakes that are never finished', async () => {
    await using bench = new Bench('quic')
    const hub = bench.quic({ maxHalfOpen: 32, maxHalfOpenPerIp: 16, retryAboveHalfOpen: 8, handshakeMs: 500 })
    await hub.start(never)
    const initials = await captureInitials(bench.quic(), 300)
    await using flood = await DatagramSender.open()
    let most = 0
    for (const [i, datagram] of initials.entries()) {
      flood.send(datagram, hub.localAddress)
      if (i % 50 === 0) await turn()
      most = Math.max(most, hub.counters().halfOpen)
    }
    await until('the flood has arrived', () => hub.counters().retried > 0)
    assert.ok(most <= 32, `${most} half open`)
    const peer = bench.quic()
    await peer.start(never)
    const connection = await peer.dial(hub.localAddress, DIAL)
    await connection.send(patterned(10, 1), { ...SEND, acknowledged: true })
    await until('the timer ended them', () => hub.counters().halfOpen === 0)
    assert.ok(hub.counters().handshakesFailed > 0)
  })

  it('drops datagrams that are not QUIC and counts them', async () => {
    await using bench = new Bench('quic')
    const hub = bench.quic()
    await hub.start(never)
    await using sender = await DatagramSender.open()
    for (let i = 0; i < 20; i++) sender.send(new Uint8Array(28).fill(i), hub.localAddress)
    await until('all are counted', () => hub.counters().notQuicDatagrams === 20)
    await bench.connect(bench.quic(), hub)
  })

  it('loses what comes over a link that is cut, each way by itself, until it is mended', async () => {
    await using bench = new Bench('quic')
    const [left, right] = [bench.quic(), bench.quic()]
    const { ours, theirs } = await bench.connect(left, right)
    const there = new Mailbox(theirs)
    const here = new Mailbox(ours)
    const [leftPort, rightPort] = [left.localAddress.port, right.localAddress.port]
    const dial = { signal: never, timeoutMs: 300 }
    // Neither a dial nor a message passes; what was sent meanwhile arrives when the link is mended.
    for (const cut of [
      { from: [], to: [rightPort] },
      { from: [rightPort], to: [] },
    ]) {
      left.cutLinks(cut)
      await assert.rejects(left.dial(right.localAddress, dial), withCode('TRANSPORT_DIAL_TIMEOUT'))
      left.cutLinks({ from: [], to: [] })
      await ours.send(patterned(10, 1), { ...SEND, acknowledged: true })
      assert.deepEqual(await there.next(), patterned(10, 1))
    }
    left.cutLinks({ from: [rightPort], to: [] })
    const late = theirs.send(patterned(10, 2), { ...SEND, acknowledged: true })
    await ours.send(patterned(10, 3), SEND)
    assert.deepEqual(await there.next(), patterned(10, 3), 'the other way is open')
    assert.equal(await Promise.race([late, turn().then(() => 'waits')]), 'waits')
    left.cutLinks({ from: [leftPort], to: [] })
    await late
    assert.deepEqual(await here.next(), patterned(10, 2))
  })

  it('binds IPv6 and speaks IPv4 through it', async () => {
    await using bench = new Bench('quic')
    const both = bench.quic({}, { ip: '::', port: 0 })
    const four = bench.quic()
    try {
      await both.start(never)
    } catch (error) {
      return assert.equal(codeOf(error), 'TRANSPORT_BIND_FAILED', 'a machine without IPv6')
    }
    await four.start(never)
    const accepted = new Promise<Connection>((resolve) => {
      both.onConnection = resolve
    })
    const { port } = both.localAddress
    await four.dial({ ip: '127.0.0.1', port }, DIAL)
    assert.deepEqual((await accepted).remote, four.localAddress)
    const back = await both.dial(four.localAddress, DIAL)
    assert.deepEqual(back.remote, four.localAddress)
  })

  for (const way of ['exit', 'throw', 'worker-exit', 'worker-terminate']) {
    it(`lets a process end with live endpoints (${way}), and tells its peers`, async () => {
      await using bench = new Bench('quic')
      const hub = bench.quic()
      const connections: Connection[] = []
      hub.onConnection = (connection) => {
        connections.push(connection)
        connection.onMessage = () => undefined
      }
      await hub.start(never)
      const port = String(hub.localAddress.port)
      const child = spawn(process.execPath, [EXIT_PROGRAM, port, way], { stdio: ['ignore', 'ignore', 'pipe'] })
      let errors = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors += text
      })
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      assert.equal(signal, null, `the process was killed by ${signal}: ${errors}`)
      assert.equal(code, way === 'throw' ? 1 : 0, errors)
      assert.equal(connections.length, 2)
      for (const connection of connections) {
        assert.deepEqual(await connection.closed, { kind: 'peer', code: 0, reason: 'shutdown' })
      }
    })
  }
})
