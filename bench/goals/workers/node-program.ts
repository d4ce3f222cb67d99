/**
 * The command line as a node process that can be looked into: a question on a local port is answered with the JS memory
 * outside the heap that the process held, or with how late its event loop was. The port is in `<root dir>.probe.json`.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { restartAsNeeded } from '../../../src/cli/restart.ts'
import { LatenessWatch } from './lateness.ts'

// As the command line itself begins.
restartAsNeeded(process.argv.slice(2))
const { main } = await import('../../../src/cli/command-line.ts')

/** A message is handled over many milliseconds: its hash, its file, its answer. */
const SAMPLE_MS = 1
/** What one collection finds is given back by finalizers a little later, and may free more. */
const SETTLE_MS = 50

const external = () => getHeapStatistics().external_memory
let watch: { readonly base: number; peak: number; readonly timer: NodeJS.Timeout } | undefined

/** From now on the largest external memory is remembered. */
async function begin(): Promise<{ base: number; peak: number }> {
  for (let left = 2; left > 0; left--) {
    globalThis.gc?.()
    await delay(SETTLE_MS)
  }
  const base = external()
  const timer = setInterval(() => {
    if (watch) watch.peak = Math.max(watch.peak, external())
  }, SAMPLE_MS)
  watch = { base, peak: base, timer: timer.unref() }
  return { base, peak: base }
}

function end(): { base: number; peak: number } {
  if (!watch) throw new Error('nothing is watched')
  const { base, peak, timer } = watch
  clearInterval(timer)
  watch = undefined
  return { base, peak: Math.max(peak, external()) }
}

let lateness: LatenessWatch | undefined

const QUESTIONS: Readonly<Record<string, () => unknown>> = {
  begin,
  end,
  'watch-lateness': () => {
    lateness?.end()
    lateness = new LatenessWatch()
  },
  lateness: () => {
    const found = lateness?.end()
    lateness = undefined
    return found
  },
}

const args = process.argv.slice(2)
const rootDir = args[args.indexOf('--root-dir') + 1] as string
const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.once('data', (data) => {
    const question = QUESTIONS[data.toString()]
    if (question === undefined) socket.end()
    else void Promise.resolve(question()).then((answer) => socket.end(JSON.stringify(answer ?? {})))
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
server.unref()
const address = server.address()
const probe = typeof address === 'object' && address !== null ? address.port : 0
writeFileSync(`${rootDir}.probe.json`, JSON.stringify({ probe }))
const code = await main(args)
process.exit(code)
