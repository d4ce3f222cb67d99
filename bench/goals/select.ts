/** Which rows to measure: ids or beginnings of ids. Pure. */
import type { RowSpec } from './goal.ts'

export type Selection =
  | { readonly kind: 'rows'; readonly rows: readonly RowSpec[] }
  | { readonly kind: 'unknown'; readonly name: string }

/** All rows for no names; a whole id beats rows that only begin like it. */
export function selectRows(rows: readonly RowSpec[], names: readonly string[]): Selection {
  if (names.length === 0) return { kind: 'rows', rows }
  const wanted = new Set<string>()
  for (const name of names) {
    const exact = rows.filter(({ id }) => id === name)
    const found = exact.length > 0 ? exact : rows.filter(({ id }) => id.startsWith(name))
    if (name === '' || found.length === 0) return { kind: 'unknown', name }
    for (const { id } of found) wanted.add(id)
  }
  return { kind: 'rows', rows: rows.filter(({ id }) => wanted.has(id)) }
}
