/**
 * What is found after the power came back. `everything`: all that was done, as after kill -9. `flushed`: only what was
 * synced. `mixture`: of the rest, each name and each write is kept, lost or torn by dice.
 */
export type Aftermath = 'everything' | 'flushed' | 'mixture'
