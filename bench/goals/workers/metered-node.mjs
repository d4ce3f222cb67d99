/**
 * The command line as a node process that tells what it counts: the first argument is the program, the rest are its
 * arguments, and a free port for its metrics is added and written into `<root dir>.metrics.json`. Plain JavaScript: what
 * strips types would count to the memory of a node.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

const [program, ...args] = process.argv.slice(2)
const rootDir = args[args.indexOf('--root-dir') + 1]
const port = await freePort()
writeFileSync(`${rootDir}.metrics.json`, JSON.stringify({ port }))
process.argv.splice(1, Infinity, program, ...args, '--metrics-port', String(port))
await import(pathToFileURL(program).href)

/** Below those that systems hand out by themselves, and one's own by the number of the process: nobody takes it between. */
async function freePort() {
  for (let port = 15_000 + (process.pid % 10_000); port < 32_000; port++) if (await isFree(port)) return port
  throw new Error('no port is free')
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
