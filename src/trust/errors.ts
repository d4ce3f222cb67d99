import { CodedError } from '../base/index.ts'

/** TRUST_OPTIONS: a threshold or rate outside its legal range. */
export type TrustErrorCode = 'TRUST_OPTIONS'

export class TrustError extends CodedError<TrustErrorCode> {}
