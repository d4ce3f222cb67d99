/** Works through a list a few at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      signal.throwIfAborted()
      await work(items[next++] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
}
