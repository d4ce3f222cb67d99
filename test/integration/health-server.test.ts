import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Registry } from '../../src/base/index.ts'
import { HealthServer } from '../../src/node/health-server.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

function ask(
  port: number,
  options: { path: string; method?: string; host?: string },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: options.host ?? `127.0.0.1:${port}` }
    const call = request(
      { port, host: '127.0.0.1', path: options.path, method: options.method ?? 'GET', headers, agent: false },
      (response) => {
        let body = ''
        response.on('data', (part) => (body += part))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    call.on('error', reject)
    call.end()
  })
}

test('health and metrics on loopback, for localhost only', async () => {
  const port = await freePort()
  const registry = new Registry()
  registry.counter('myrmex_test_total', 'tests').add(3)
  const server = new HealthServer(port, { health: () => ({ peer_id: 'x', peer_count: 2 }) }, registry)
  await server.start()
  await server.start()
  assert.deepEqual(JSON.parse((await ask(port, { path: '/health' })).body), { peer_id: 'x', peer_count: 2 })
  assert.match((await ask(port, { path: '/metrics' })).body, /myrmex_test_total 3\n/)
  assert.equal((await ask(port, { path: '/health', host: 'evil.example' })).status, 403)
  assert.equal((await ask(port, { path: '/health', method: 'POST' })).status, 405)
  assert.equal((await ask(port, { path: '/' })).status, 404)
  await assert.rejects(
    new HealthServer(port, { health: () => ({}) }, registry).start(),
    /--metrics-port \d+ cannot be used/,
  )
  await server.stop()
  await server.stop()
  await assert.rejects(ask(port, { path: '/health' }))
})
