/**
 * Who goes first: lanes in strict order, highest first, for things with a weight (bytes of messages, operations of a
 * disk). While a higher lane is busy the lower ones start nothing new, but for a share of what passes above them and
 * for whoever has waited too long. In a lane owners take turns. Pure; monotonic `now`.
 */
export interface LaneLimits {
  /** Entries that wait; one more is refused. */
  readonly waiting: number
  /** Weight under way at once in calm times, else it is one entry; a single heavier entry passes alone. */
  readonly load: number
  /** The same for one owner. */
  readonly ownerLoad: number
  /** An entry that is under way for longer is slow by itself: it presses nobody and takes no place in the lane. */
  readonly holdMs: number
  /** Whether the lane holds up the lower ones while it is busy. */
  readonly presses: boolean
  /** Under pressure one entry may start every so often; 0: the lane is never held up. */
  readonly patienceMs: number
  /** Of the weight that passes in higher lanes, this part may pass here all the same. */
  readonly share: number
}

export interface LaneTable<Lane extends string> {
  /** Highest first. */
  readonly lanes: Readonly<Record<Lane, LaneLimits>>
  /** A lane counts as busy for so long after its last entry has left: the next one may be on its way to us. */
  readonly restMs: number
  /** Times are calm for a lane when so long ago the last entry of a higher one left. */
  readonly calmMs: number
}

export interface Waiting<Lane extends string, T> {
  readonly lane: Lane
  readonly weight: number
  readonly owner: string
  readonly since: number
  readonly item: T
}

export interface Departure<Lane extends string, T> {
  readonly entry: Waiting<Lane, T>
  /** It is slow: see `holdMs`. Once; nothing after `done`. */
  readonly slow: (now: number) => void
  /** It has left; once. */
  readonly done: (now: number) => void
}

interface State<Lane extends string, T> {
  readonly name: Lane
  readonly limits: LaneLimits
  /** In turn order: an owner that was served goes to the end. */
  readonly queues: Map<string, Waiting<Lane, T>[]>
  /** Weight under way, slow entries too. */
  readonly owners: Map<string, number>
  waiting: number
  waitingWeight: number
  /** Under way, without slow entries. */
  running: number
  load: number
  moving: number
  credit: number
  startedAt: number
  leftAt: number
}

/** How the lanes above look. */
interface Above {
  readonly pressed: boolean
  readonly calm: boolean
}

const NOTHING_ABOVE: Above = { pressed: false, calm: true }

export class LaneScheduler<Lane extends string, T> {
  readonly #states: readonly State<Lane, T>[]
  readonly #byName: ReadonlyMap<Lane, State<Lane, T>>
  readonly #restMs: number
  readonly #calmMs: number

  constructor({ lanes, restMs, calmMs }: LaneTable<Lane>) {
    this.#restMs = restMs
    this.#calmMs = Math.max(restMs, calmMs)
    this.#states = (Object.keys(lanes) as Lane[]).map((name) => ({
      ...{ name, limits: lanes[name], queues: new Map(), owners: new Map(), waiting: 0, waitingWeight: 0, running: 0 },
      ...{ load: 0, moving: 0, credit: 0, startedAt: Number.NEGATIVE_INFINITY, leftAt: Number.NEGATIVE_INFINITY },
    }))
    this.#byName = new Map(this.#states.map((state) => [state.name, state]))
  }

  get lanes(): readonly Lane[] {
    return this.#states.map(({ name }) => name)
  }
  waiting(lane: Lane): number {
    return this.#state(lane).waiting
  }
  waitingWeight(lane: Lane): number {
    return this.#state(lane).waitingWeight
  }
  /** Weight under way. */
  moving(lane: Lane): number {
    return this.#state(lane).moving
  }

  /** undefined: as many wait as may. */
  offer(lane: Lane, weight: number, owner: string, item: T, now: number): Waiting<Lane, T> | undefined {
    const state = this.#state(lane)
    if (state.waiting >= state.limits.waiting) return undefined
    const entry = { lane, weight, owner, since: now, item }
    const queue = state.queues.get(owner)
    if (queue) queue.push(entry)
    else state.queues.set(owner, [entry])
    state.waiting++
    state.waitingWeight += weight
    return entry
  }

  /** Takes back what has not started; false when it has. */
  withdraw(entry: Waiting<Lane, T>): boolean {
    const state = this.#state(entry.lane)
    const queue = state.queues.get(entry.owner)
    const place = queue?.indexOf(entry) ?? -1
    if (!queue || place < 0) return false
    queue.splice(place, 1)
    if (queue.length === 0) state.queues.delete(entry.owner)
    this.#leftQueue(state, entry)
    return true
  }

  /** What starts next; undefined: nothing may start now. */
  next(now: number): Departure<Lane, T> | undefined {
    let above = NOTHING_ABOVE
    for (const state of this.#states) {
      const head = this.#head(state)
      if (head && this.#fits(state, head, above.calm) && (!above.pressed || this.#maySqueezeIn(state, head, now)))
        return this.#start(state, head, above.pressed, now)
      above = this.#below(above, state, head, now)
    }
    return undefined
  }

  /** When something may start although nothing leaves before; undefined: never. */
  nextAt(now: number): number | undefined {
    let earliest = Number.POSITIVE_INFINITY
    let leftAt = Number.NEGATIVE_INFINITY
    let above = NOTHING_ABOVE
    for (const state of this.#states) {
      const head = this.#head(state)
      if (head) {
        const moments = [leftAt + this.#restMs, leftAt + this.#calmMs]
        if (above.pressed && this.#fits(state, head, above.calm)) moments.push(this.#patientUntil(state, head))
        earliest = Math.min(earliest, ...moments.filter((moment) => moment > now))
      }
      if (state.limits.presses) leftAt = Math.max(leftAt, state.leftAt)
      above = this.#below(above, state, head, now)
    }
    return Number.isFinite(earliest) ? earliest : undefined
  }

  /** The first entry, in the order of turns, whose owner has room. */
  #head(state: State<Lane, T>): Waiting<Lane, T> | undefined {
    for (const [owner, [first]] of state.queues) {
      const own = state.owners.get(owner) ?? 0
      if (first && (own === 0 || own + first.weight <= state.limits.ownerLoad)) return first
    }
    return undefined
  }

  #fits({ running, load, limits }: State<Lane, T>, { weight }: Waiting<Lane, T>, calm: boolean): boolean {
    return running === 0 || ((calm || limits.patienceMs === 0) && load + weight <= limits.load)
  }

  /** What the lanes below `state` see. */
  #below(above: Above, state: State<Lane, T>, head: Waiting<Lane, T> | undefined, now: number): Above {
    const { limits, running, leftAt } = state
    if (!limits.presses) return above
    const busy = running > 0 || head !== undefined
    return {
      pressed: above.pressed || busy || now < leftAt + this.#restMs,
      calm: above.calm && !busy && now >= leftAt + this.#calmMs,
    }
  }

  #maySqueezeIn(state: State<Lane, T>, head: Waiting<Lane, T>, now: number): boolean {
    return now >= this.#patientUntil(state, head) || state.credit >= this.#price(state, head.weight)
  }

  #patientUntil({ limits, startedAt }: State<Lane, T>, { since }: Waiting<Lane, T>): number {
    return Math.max(since, startedAt) + limits.patienceMs
  }

  /** Nothing costs more than may be saved up. */
  #price({ limits }: State<Lane, T>, weight: number): number {
    return Math.min(weight, limits.load)
  }

  #start(state: State<Lane, T>, entry: Waiting<Lane, T>, pressed: boolean, now: number): Departure<Lane, T> {
    const { owner, weight } = entry
    const queue = state.queues.get(owner) as Waiting<Lane, T>[]
    queue.shift()
    state.queues.delete(owner)
    if (queue.length > 0) state.queues.set(owner, queue)
    this.#leftQueue(state, entry)
    if (pressed) state.credit = Math.max(0, state.credit - this.#price(state, weight))
    state.startedAt = now
    state.running++
    state.load += weight
    state.moving += weight
    state.owners.set(owner, (state.owners.get(owner) ?? 0) + weight)
    if (state.limits.presses) this.#earn(state, weight)
    return this.#departure(state, entry)
  }

  /** Those below save up a share of what passes here, at most for one entry. */
  #earn(above: State<Lane, T>, weight: number): void {
    for (const state of this.#states.slice(this.#states.indexOf(above) + 1))
      state.credit = Math.min(state.limits.load, state.credit + weight * state.limits.share)
  }

  #departure(state: State<Lane, T>, entry: Waiting<Lane, T>): Departure<Lane, T> {
    const { owner, weight } = entry
    let counted = true
    let open = true
    const slow = (now: number) => {
      if (!counted) return
      counted = false
      state.running--
      state.load -= weight
      state.leftAt = now
    }
    const done = (now: number) => {
      if (!open) return
      open = false
      slow(now)
      state.moving -= weight
      const own = (state.owners.get(owner) ?? 0) - weight
      if (own > 0) state.owners.set(owner, own)
      else state.owners.delete(owner)
    }
    return { entry, slow, done }
  }

  #leftQueue(state: State<Lane, T>, { weight }: Waiting<Lane, T>): void {
    state.waiting--
    state.waitingWeight -= weight
  }

  #state(lane: Lane): State<Lane, T> {
    return this.#byName.get(lane) as State<Lane, T>
  }
}
