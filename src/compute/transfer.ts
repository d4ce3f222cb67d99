/** Moving buffers over a thread border. Values are plain trees of objects, arrays and byte arrays. */
import { KiB, release } from '../base/index.ts'

/** Deeper trees are no task input: what lies below is cloned as it is. */
const MAX_DEPTH = 6

/** Smaller buffers are not worth the call. */
const RECLAIM_BYTES = 64 * KiB

export interface Movable<T> {
  readonly value: T
  /** Buffers that the value has to itself. */
  readonly transfer: ArrayBuffer[]
}

/** True when the view is all of its buffer, so that moving it takes nothing from anybody else. */
export function ownsBuffer(view: Uint8Array): view is Uint8Array<ArrayBuffer> {
  const { buffer } = view
  return buffer instanceof ArrayBuffer && !buffer.resizable && view.byteLength === buffer.byteLength
}

/** A result on its way back: every byte array is moved. `fixed` names the buffers that the runtime refuses to move. */
export function movable<T>(value: T, fixed: (buffer: ArrayBuffer) => boolean): Movable<T> {
  const transfer = new Set<ArrayBuffer>()
  const own = (view: Uint8Array) => {
    const moved = ownsBuffer(view) && !fixed(view.buffer) ? view : Uint8Array.from(view)
    transfer.add(moved.buffer)
    return moved
  }
  return { value: mapBytes(value, own), transfer: [...transfer] }
}

/**
 * An input on its way out: `moved` buffers are the caller's gift, the others stay with it. Cloning a view clones the
 * whole buffer behind it, so a part that stays is copied once, and the copy is moved.
 */
export function outgoing<T>(value: T, moved: readonly ArrayBuffer[]): Movable<T> {
  const transfer = [...moved]
  const cut = (view: Uint8Array) => {
    if (ownsBuffer(view) || moved.includes(view.buffer as ArrayBuffer)) return view
    const copy = Uint8Array.from(view)
    transfer.push(copy.buffer)
    return copy
  }
  return { value: mapBytes(value, cut), transfer }
}

/**
 * Gives the memory behind the bytes back at once; they must not be used again. Nothing happens to small ones and to
 * parts of a buffer. Left to the collector, 64 MB and more of used chunks pile up on each thread (measured on wasm, two
 * threads sealing: 525 MB resident, 275 MB when all give back).
 */
export function reclaim(bytes: Uint8Array): void {
  if (bytes.byteLength >= RECLAIM_BYTES && ownsBuffer(bytes)) release(bytes)
}

/**
 * The bytes alone in memory of their own, for views into a larger buffer that belongs to the caller with all that is in
 * it: that buffer is given back at once. Small ones come back as they are.
 */
export function takeOut(view: Uint8Array): Uint8Array {
  if (view.buffer.byteLength < RECLAIM_BYTES || !(view.buffer instanceof ArrayBuffer) || ownsBuffer(view)) return view
  const own = Uint8Array.from(view)
  release(view)
  return own
}

/** The same for every byte array of a used input that the result does not keep. */
export function reclaimInput(input: unknown, kept: readonly ArrayBuffer[]): void {
  mapBytes(input, (view) => {
    if (!kept.includes(view.buffer as ArrayBuffer)) reclaim(view)
    return view
  })
}

/** The tree with its byte arrays changed; what has none that changes comes back as it is, not copied. */
function mapBytes<T>(value: T, change: (view: Uint8Array) => Uint8Array): T {
  const visit = (node: unknown, depth: number): unknown => {
    if (typeof node !== 'object' || node === null || depth > MAX_DEPTH) return node
    if (node instanceof Uint8Array) return change(node)
    if (!Array.isArray(node) && Object.getPrototypeOf(node) !== Object.prototype) return node
    const before = node as Record<string, unknown>
    let after: Record<string, unknown> | undefined
    for (const key of Object.keys(before)) {
      const item = visit(before[key], depth + 1)
      if (item === before[key]) continue
      after ??= (Array.isArray(node) ? [...node] : { ...node }) as Record<string, unknown>
      after[key] = item
    }
    return after ?? node
  }
  return visit(value, 0) as T
}
