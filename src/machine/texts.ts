/** Small texts of the kernel (pure). */

/** The model that a device tree names; undefined on machines without one (PCs) and for names that say nothing. */
export function boardOf(model: string | undefined): string | undefined {
  // Device tree strings end with a zero byte.
  const name = model?.replaceAll('\0', '').trim()
  return name === undefined || name === '' || /^linux,|virt/i.test(name) ? undefined : name.slice(0, 80)
}

/** Soft limit of one line of `/proc/self/limits`; undefined when it is unlimited or not told. */
export function parseProcessLimit(limits: string | undefined, name: string): number | undefined {
  const line = limits?.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  const soft = line?.slice(name.length).trim().split(/\s+/)[0]
  return soft !== undefined && /^\d+$/.test(soft) ? Number(soft) : undefined
}
