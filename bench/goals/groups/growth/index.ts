/** How costs grow with nodes, peers, connections and chunks: curves, and the exponent that fits them. */
import { type Context, type Group, NotMeasured } from '../../context.ts'
import { IDLE_IDS, idle } from './idle.ts'
import { LOOKUP_IDS, lookups } from './lookups.ts'
import { STORE_IDS, stores } from './stores.ts'
import { TABLE_IDS, tables } from './tables.ts'

const PARTS: readonly { readonly ids: readonly string[]; run(context: Context): Promise<void> }[] = [
  { ids: LOOKUP_IDS, run: lookups },
  { ids: TABLE_IDS, run: tables },
  { ids: STORE_IDS, run: stores },
  { ids: IDLE_IDS, run: idle },
]

export const growth: Group = {
  ids: PARTS.flatMap(({ ids }) => ids),
  async run(context) {
    for (const { ids, run } of PARTS) {
      if (!context.wants(...ids)) continue
      try {
        await run(context)
      } catch (error) {
        context.signal.throwIfAborted()
        const reason = error instanceof NotMeasured || error instanceof Error ? error.message : String(error)
        for (const id of ids) context.notMeasured(id, reason)
      }
    }
  },
}
