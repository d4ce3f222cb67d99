/**
 * The command line as a node process that can be looked into: metrics are on, and a question on a local port is answered
 * with what the process holds in JS memory. Both ports are in `<root dir>.probe.json`.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { main } from '../../../src/cli/command-line.ts'
import { freePort } from '../free-port.ts'

/** Collections are told a little after they were. */
const TOLD_MS = 50

let collections = 0
new PerformanceObserver((list) => {
  collections += list.getEntries().length
}).observe({ entryTypes: ['gc'] })

async function memory(question: string) {
  // What one collection finds is given back by finalizers a little later, and may free more.
  for (let left = question.startsWith('collect') ? 2 : 0; left > 0; left--) {
    globalThis.gc?.()
    await delay(TOLD_MS)
  }
  const { external, arrayBuffers } = process.memoryUsage()
  await delay(TOLD_MS)
  return { external, arrayBuffers, collections }
}

const args = process.argv.slice(2)
const rootDir = args[args.indexOf('--root-dir') + 1] as string
const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.once('data', (data) => {
    void memory(data.toString()).then((answer) => socket.end(JSON.stringify(answer)))
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
server.unref()
const metrics = await freePort()
const address = server.address()
const probe = typeof address === 'object' && address !== null ? address.port : 0
writeFileSync(`${rootDir}.probe.json`, JSON.stringify({ probe, metrics }))
const code = await main([...args, '--metrics-port', String(metrics)])
process.exit(code)
