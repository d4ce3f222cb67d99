/** The endpoint driven from JS against the same endpoint driven from Rust: two processes each, one machine, in turn. */
import { QUIC_DEFAULTS, quicAvailability } from '../../../src/transport/index.ts'
import { nativeOptions } from '../../../src/transport/quic/quic-options.ts'
import { type Context, type Group, NotMeasured, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import type { Session } from '../session.ts'

const LARGE = 4 * 1024 * 1024

interface Step {
  readonly id: string
  readonly command: string
  readonly counts: readonly [full: number, quick: number]
  readonly rounds: readonly [full: number, quick: number]
  readonly unit: string
  /** Milliseconds of a round to the figure that is shown. */
  figure(ms: number, count: number): number
}

const STEPS: readonly Step[] = [
  {
    ...{ id: 'quic-bulk', command: 'bulk', counts: [128, 32], rounds: [9, 3], unit: 'MB/s' },
    figure: (ms, count) => (count * LARGE) / 1000 / ms,
  },
  {
    ...{ id: 'quic-rate', command: 'rate', counts: [12_000, 4000], rounds: [9, 3], unit: '/s' },
    figure: (ms, count) => (count * 1000) / ms,
  },
  // Few at a time: an endpoint takes 100 new connections from one address at once and 1000 a minute.
  {
    ...{ id: 'quic-handshake', command: 'handshake', counts: [8, 6], rounds: [9, 3], unit: 'ms' },
    figure: (ms) => ms,
  },
]

export const quic: Group = {
  ids: STEPS.map(({ id }) => id),
  async run(context) {
    const availability = quicAvailability()
    if (!availability.available) throw new NotMeasured('the QUIC endpoint is not there (native addon)')
    const options = nativeOptions(QUIC_DEFAULTS).join(',')
    const sessions: Session[] = []
    const kept = (session: Session) => {
      sessions.push(session)
      return session
    }
    try {
      const rustServer = kept(await context.rust('quic-server', options))
      const rustAddress = String((await rustServer.next())['address'])
      const ourServer = kept(context.node('workers/quic-server.ts'))
      const ourAddress = String((await ourServer.next())['address'])
      const rust = kept(await context.rust('quic-client', rustAddress, options))
      const ours = kept(context.node('workers/quic-client.ts', ourAddress))
      for (const step of STEPS) if (context.wants(step.id)) await measure(context, step, ours, rust)
    } finally {
      for (const session of sessions) session.stop()
    }
  },
}

async function measure(context: Context, step: Step, ours: Session, rust: Session): Promise<void> {
  const { id, command, unit } = step
  const count = context.pick(...step.counts)
  const round = (side: Session) => () => side.figure('ms', command, count)
  const turns = await takeTurns(context.pick(...step.rounds), context.signal, round(ours), round(rust))
  const figure = (values: readonly number[]) => step.figure(median(values), count)
  context.measured(id, {
    // Both are times: the speed of ours over that of theirs is the other way round.
    samples: turns.ratios.map((ratio) => 1 / ratio),
    details: { ours: figure(turns.ours), yardstick: figure(turns.theirs), figures_in: unit, in_a_round: count },
  })
}
