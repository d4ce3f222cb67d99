/** Entry of the process: first what only a new process can be given, then the command line. */
import { restartAsNeeded } from './restart.ts'

restartAsNeeded(process.argv.slice(2))
// Loaded only now: the process that is replaced never pays for it.
const { main } = await import('./command-line.ts')
const code = await main(process.argv.slice(2))
// A lingering handle must not keep a finished command; what could not be written is told first.
process.stdout.write('', () => setImmediate(() => process.exit(code)))
