/** GET /health and /metrics on loopback, when a port was asked for (operations.md 6). Nothing else, no other method. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { codeOf, type Registry, type Startable } from '../base/index.ts'
import { NodeError } from './errors.ts'

export interface HealthSource {
  health(): Readonly<Record<string, unknown>>
}

export class HealthServer implements Startable {
  readonly #port: number
  readonly #source: HealthSource
  readonly #registry: Registry
  #server: Server | undefined

  constructor(port: number, source: HealthSource, registry: Registry) {
    this.#port = port
    this.#source = source
    this.#registry = registry
  }

  start(): Promise<void> {
    if (this.#server) return Promise.resolve()
    // Not imported: an ES import reads every export of node:http, and those of its WebSocket load undici, 14 MiB.
    const { createServer } = process.getBuiltinModule('node:http')
    const server = createServer(
      { maxHeaderSize: 2048, requestTimeout: 5000, headersTimeout: 5000 },
      (request, response) => this.#answer(request, response),
    )
    server.maxConnections = 32
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new NodeError(
            'NODE_OPTIONS',
            `--metrics-port ${this.#port} cannot be used (${codeOf(error) === 'EADDRINUSE' ? 'another program has it' : error.message}): choose another`,
            {
              cause: error,
            },
          ),
        ),
      )
      server.listen(this.#port, '127.0.0.1', resolve)
    })
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server?.listening) return
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const reply = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type }).end(body)
    // A page in a browser must not read this by a name that points here (DNS rebinding).
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    if (host !== 'localhost' && host !== '127.0.0.1') return void reply(403, 'text/plain', 'only localhost\n')
    if (request.method !== 'GET') return void reply(405, 'text/plain', 'only GET\n')
    if (request.url === '/health')
      return void reply(200, 'application/json', `${JSON.stringify(this.#source.health())}\n`)
    if (request.url === '/metrics') return void reply(200, 'text/plain; version=0.0.4', this.#registry.render())
    reply(404, 'text/plain', 'try /health or /metrics\n')
  }
}
