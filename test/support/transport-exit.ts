/**
 * A process or a worker that ends with live endpoints in it: connects to the port given and ends in the way given.
 * Run as a program: `transport-exit.ts <port> <way>`; in a worker the same two come as workerData.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { never } from '../../src/base/index.ts'
import { createQuicTransport } from '../../src/transport/index.ts'

const [port, way] = (isMainThread ? process.argv.slice(2) : (workerData as string[])) as [string, string]

if (isMainThread && way.startsWith('worker')) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [port, way] })
  worker.on('error', (error) => {
    console.error(error)
    process.exit(3)
  })
  if (way === 'worker-terminate') worker.once('message', () => void worker.terminate())
} else {
  await connect()
  parentPort?.postMessage('connected')
  if (way === 'exit' || way === 'worker-exit') process.exit(0)
  if (way === 'throw') {
    setImmediate(() => {
      throw new Error('on purpose')
    })
  }
}

async function connect(): Promise<void> {
  for (const fill of [201, 202]) {
    const secretKey = new Uint8Array(32).fill(fill)
    const transport = createQuicTransport({ secretKey, bind: { ip: '127.0.0.1', port: 0 } })
    await transport.start(never)
    const target = { ip: '127.0.0.1', port: Number(port) }
    const connection = await transport.dial(target, { signal: never, timeoutMs: 10_000 })
    // Work in both directions is under way when the end comes.
    connection.onMessage = () => undefined
    await connection.send(new Uint8Array(100), { signal: never, acknowledged: true })
    connection.send(new Uint8Array(8 * 1024 * 1024), { signal: never }).catch(() => undefined)
  }
}
