/** machine: what this machine and its control group allow, and the profile that fits. Knows no other room. */
export type { CgroupLimits, Limit } from './cgroup-files.ts'
export * from './choice.ts'
export * from './errors.ts'
export * from './facts.ts'
export * from './process-settings.ts'
export * from './read-facts.ts'
export * from './settings.ts'
