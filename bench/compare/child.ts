/**
 * One round of one side, in a process of its own: forked by revision.ts in either tree, tells what `runBenches` tells.
 * Imports nothing of this folder's neighbours in `src`, which on the other side are another revision's.
 */
import { runBenches } from '../runner.ts'
import type { ChildRequest } from './revision.ts'

process.once('message', async (request: ChildRequest) => {
  const stop = new AbortController()
  process.once('disconnect', () => stop.abort())
  process.on('SIGINT', () => stop.abort())
  const send = (message: unknown) => new Promise((resolve) => process.send?.(message, resolve))
  for await (const event of runBenches({ ...request, rounds: 1, signal: stop.signal })) await send(event)
  await send({ kind: 'done' })
  process.exit()
})
process.send?.({ kind: 'ready' })
