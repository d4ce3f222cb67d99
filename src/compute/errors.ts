import { CodedError } from '../base/index.ts'

/**
 * COMPUTE_BUSY: the lane's waiting line is full. COMPUTE_STOPPED: the pool was stopped before or while the task ran.
 * COMPUTE_FAILED: the thread died, or a value could not cross the thread border.
 */
export type ComputeErrorCode = 'COMPUTE_BUSY' | 'COMPUTE_STOPPED' | 'COMPUTE_FAILED'

export class ComputeError extends CodedError<ComputeErrorCode> {}
