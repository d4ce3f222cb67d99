/** Who may open one more connection to us (wire.md 24). Pure: `now` comes in. Loopback is exempt: one IP, many nodes. */
import { TokenBuckets } from '../base/index.ts'
import { isLoopbackIp, parseIp } from '../protocol/index.ts'
import type { NetworkOptions } from './options.ts'

type LimitOptions = Pick<
  NetworkOptions,
  'maxConnections' | 'maxConnectionsPerIp' | 'inboundBurstPerIp' | 'inboundPerSecondPerIp' | 'rememberedIps'
>

export type Admission = 'admitted' | 'rate' | 'perIp' | 'total'

export class InboundLimits {
  readonly #options: LimitOptions
  readonly #pace: TokenBuckets<string>
  readonly #live = new Map<string, number>()

  constructor(options: LimitOptions) {
    this.#options = options
    const { inboundBurstPerIp: burst, inboundPerSecondPerIp: perSecond, rememberedIps: keys } = options
    this.#pace = new TokenBuckets({ burst, perSecond, keys })
  }

  /** Decides about a connection from `ip`, `total` being live already; an admitted one must be given back by `left`. */
  admit(ip: string, total: number, now: number): Admission {
    const { maxConnections, maxConnectionsPerIp } = this.#options
    if (total >= maxConnections) return 'total'
    const live = this.#live.get(ip) ?? 0
    if (!isLoopback(ip)) {
      if (!this.#pace.take(ip, now)) return 'rate'
      if (live >= maxConnectionsPerIp) return 'perIp'
    }
    this.#live.set(ip, live + 1)
    return 'admitted'
  }

  left(ip: string): void {
    const live = (this.#live.get(ip) ?? 0) - 1
    if (live > 0) this.#live.set(ip, live)
    else this.#live.delete(ip)
  }
}

function isLoopback(ip: string): boolean {
  const bytes = parseIp(ip)
  return bytes !== undefined && isLoopbackIp(bytes)
}
