/** Sizes as people say them. */
export function sizeText(bytes: number): string {
  for (const [unit, size] of [
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const)
    if (bytes >= size && bytes % (size / 1024) === 0) return `${Number((bytes / size).toPrecision(4))} ${unit}`
  return `${bytes} B`
}
