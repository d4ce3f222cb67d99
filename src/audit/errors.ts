import { CodedError } from '../base/index.ts'

export type AuditErrorCode =
  | 'AUDIT_TREE_EMPTY'
  | 'AUDIT_TREE_DUPLICATE'
  | 'AUDIT_TREE_ORDER'
  | 'AUDIT_TREE_TOO_LARGE'
  | 'AUDIT_RETENTION_DECODE'

/** A tree that cannot be built, a retention file that cannot be read. What peers send ends in verdicts instead. */
export class AuditError extends CodedError<AuditErrorCode> {}
