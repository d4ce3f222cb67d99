import { CodedError } from '../base/index.ts'

export type CryptoErrorCode =
  | 'CRYPTO_ARGUMENT'
  | 'CRYPTO_BACKEND_MISSING'
  | 'CRYPTO_OPEN_AUTHENTICATION'
  | 'CRYPTO_OPEN_SIZE'
  | 'CRYPTO_OPEN_HASH'
  | 'CRYPTO_OPEN_COMPRESSION'

export class CryptoError extends CodedError<CryptoErrorCode> {}
