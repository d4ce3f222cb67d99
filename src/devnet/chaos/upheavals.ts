/** Carries out a plan on running nodes: each upheaval when its time has come, unless it may not, and its end. */
import { type Clock, messageOf, type Random } from '../../base/index.ts'
import { bringDiskBack, corruptChunks, takeDiskAway } from './chunk-files.ts'
import { objection } from './guard.ts'
import type { ChaosNodes } from './nodes.ts'
import { sentenceOfUpheaval, type Upheaval } from './plan.ts'
import type { Happened } from './verdict.ts'
import type { CopiesWatch, Standing } from './watch.ts'

export interface UpheavalParts {
  readonly nodes: ChaosNodes
  readonly watch: CopiesWatch
  readonly standing: Standing
  readonly clock: Clock
  /** Which files are hit; the plan has dice of its own. */
  readonly random: Random
  readonly onHappened: (happened: Happened) => void
  /** A node did what it must not. */
  readonly onFault: (sentence: string) => void
}

export class Upheavals {
  readonly happened: Happened[] = []
  readonly #parts: UpheavalParts
  readonly #began: number

  constructor(parts: UpheavalParts) {
    this.#parts = parts
    this.#began = parts.clock.monotonic()
  }

  /** Resolves when the last one is undone; when the signal aborts only what must be undone is. */
  async run(plan: readonly Upheaval[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const running: Promise<void>[] = []
    // So many are to be replaced in all: one that may not yet be waits for its time.
    let postponed: Upheaval[] = []
    for (const upheaval of plan) {
      await clock.sleep(Math.max(0, upheaval.at - this.#elapsed()), signal).catch(() => undefined)
      if (signal.aborted) break
      const due: Upheaval[] = [...postponed, upheaval]
      postponed = []
      for (const next of due) {
        const why = await this.#objection(next)
        if (why === undefined) running.push(this.#carryOut(next, signal))
        else if (next.kind === 'replace') postponed.push(next)
        else this.#note(next, 'held back', why)
      }
    }
    for (const never of postponed) this.#note(never, 'held back', 'until the end')
    await Promise.all(running)
  }

  async #objection({ kind, slot }: Upheaval): Promise<string | undefined> {
    const { watch, standing } = this.#parts
    if (standing.full.has(slot)) return 'the disk of the node is full'
    if (standing.out.has(slot)) return 'the node is out already'
    await watch.look()
    return objection(kind, slot, { holders: watch.holders, out: standing.out })
  }

  async #carryOut(upheaval: Upheaval, signal: AbortSignal): Promise<void> {
    const { clock, onFault } = this.#parts
    const begun = this.#note(upheaval, 'done')
    try {
      const undo = await this.#begin(upheaval, signal)
      await clock.sleep(upheaval.forMs, signal).catch(() => undefined)
      await undo?.()
    } catch (error) {
      if (signal.aborted) return
      // Told as done when it began: it is one upheaval all the same.
      this.happened.splice(this.happened.indexOf(begun), 1)
      this.#note(upheaval, 'failed', messageOf(error))
      onFault(`${sentenceOfUpheaval(upheaval)}: ${messageOf(error)}`)
    }
  }

  /** How it is undone; nothing for what is done at once. */
  async #begin(upheaval: Upheaval, signal: AbortSignal): Promise<(() => Promise<void>) | undefined> {
    const { nodes, standing, random } = this.#parts
    const { kind, slot, other } = upheaval
    const { out, full } = standing
    const back = () => void out.delete(slot)
    const startAgain = async () => {
      // A network that is about to stop needs no node any more.
      if (!signal.aborted) await nodes.start(slot, signal)
      back()
    }
    switch (kind) {
      case 'kill':
        out.add(slot)
        await nodes.kill(slot)
        return startAgain
      case 'restart':
        out.add(slot)
        await nodes.stop(slot)
        return startAgain
      case 'freeze':
        out.add(slot)
        await nodes.freeze(slot)
        return () => nodes.thaw(slot).then(back)
      case 'fill':
        full.add(slot)
        await nodes.fill(slot, upheaval.brimful === true)
        return () => nodes.mend(slot).then(() => void full.delete(slot))
      case 'vanish':
        out.add(slot)
        await takeDiskAway(nodes.root(slot))
        return () => bringDiskBack(nodes.root(slot)).then(back)
      case 'corrupt':
        await corruptChunks(nodes.root(slot), random)
        return undefined
      case 'cut':
        await nodes.cut(slot, [other as number], upheaval.oneWay === true)
        return () => nodes.mend(slot)
      case 'isolate': {
        out.add(slot)
        const others = Array.from({ length: nodes.count }, (_, i) => i).filter((i) => i !== slot)
        await nodes.cut(slot, others, false)
        return () => nodes.mend(slot).then(back)
      }
      case 'replace':
        out.add(slot)
        await nodes.replace(slot, signal)
        back()
        return undefined
    }
  }

  #elapsed(): number {
    return this.#parts.clock.monotonic() - this.#began
  }

  #note(upheaval: Upheaval, outcome: Happened['outcome'], why?: string): Happened {
    const text = sentenceOfUpheaval(upheaval)
    const at_ms = Math.round(this.#elapsed())
    const event = { at_ms, kind: upheaval.kind, text, outcome, ...(why === undefined ? {} : { why }) }
    this.happened.push(event)
    this.#parts.onHappened(event)
    return event
  }
}
