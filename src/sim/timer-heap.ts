/** Binary min-heap of timers by (due time, order of creation): equal instants keep their order. Pure. */
import { assert } from '../base/index.ts'

export abstract class HeapTimer {
  readonly at: number
  readonly order: number
  /** Place in the heap, -1 when it is not there. Owned by the heap. */
  index = -1
  cancelled = false

  constructor(at: number, order: number) {
    this.at = at
    this.order = order
  }

  abstract fire(): void
}

export class TimerHeap {
  readonly #items: HeapTimer[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): HeapTimer | undefined {
    return this.#items[0]
  }

  push(timer: HeapTimer): void {
    assert(timer.index === -1, 'a timer is in the heap already')
    this.#place(timer, this.#items.length)
    this.#up(timer)
  }

  pop(): HeapTimer | undefined {
    const first = this.#items[0]
    if (first) this.remove(first)
    return first
  }

  /** Takes a timer out wherever it is; false when it is not there. */
  remove(timer: HeapTimer): boolean {
    const { index } = timer
    if (index === -1) return false
    const last = this.#items.pop() as HeapTimer
    timer.index = -1
    if (last !== timer) {
      this.#place(last, index)
      this.#up(last)
      this.#down(last)
    }
    return true
  }

  #up(timer: HeapTimer): void {
    while (timer.index > 0) {
      const parent = this.#items[(timer.index - 1) >> 1] as HeapTimer
      if (!before(timer, parent)) return
      this.#swap(timer, parent)
    }
  }

  #down(timer: HeapTimer): void {
    for (;;) {
      const left = this.#items[timer.index * 2 + 1]
      const right = this.#items[timer.index * 2 + 2]
      const child = right && left && before(right, left) ? right : left
      if (!child || !before(child, timer)) return
      this.#swap(timer, child)
    }
  }

  #swap(a: HeapTimer, b: HeapTimer): void {
    const index = a.index
    this.#place(a, b.index)
    this.#place(b, index)
  }

  #place(timer: HeapTimer, index: number): void {
    timer.index = index
    this.#items[index] = timer
  }
}

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
