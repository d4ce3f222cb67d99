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

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
