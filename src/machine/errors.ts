import { CodedError } from '../base/index.ts'

/** A profile or a single value that was asked for cannot be had; the message says what can. */
export class ProfileError extends CodedError<'PROFILE_UNKNOWN' | 'PROFILE_VALUE'> {}
