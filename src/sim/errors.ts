import { CodedError } from '../base/index.ts'

export type SimErrorCode = 'SIM_STUCK' | 'SIM_TIME_LIMIT' | 'SIM_TURN_LIMIT'

/** The simulated run cannot go on; the message carries the seed that repeats it. */
export class SimError extends CodedError<SimErrorCode> {}
