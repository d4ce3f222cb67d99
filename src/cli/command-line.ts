/** Arguments in, one command, an exit code out. */
import { codeOf } from '../base/index.ts'
import { nearest, parseArgs, UsageError } from './args.ts'
import type { Command } from './command.ts'
import { COMMANDS, type CommandEntry, loadCommands } from './commands/index.ts'
import { EXIT } from './exit-codes.ts'
import { explain } from './explain.ts'
import { commandHelp, overview } from './help.ts'
import { Output, visible } from './output.ts'

/** The command named by the first words, and what is left. */
function findCommand(argv: readonly string[]): { entry: CommandEntry; rest: readonly string[] } | undefined {
  // --json may stand anywhere, also before the command.
  const leading = argv.findIndex((arg) => !arg.startsWith('-'))
  const words = argv.slice(Math.max(0, leading))
  const before = leading > 0 ? argv.slice(0, leading) : []
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ')
    const entry = COMMANDS.find((candidate) => candidate.name === name)
    if (entry) return { entry, rest: [...before, ...words.slice(length)] }
  }
  return undefined
}

/** Behind the door of a large room, which a command without a network does not open. */
async function version(): Promise<string> {
  return (await import('../node/index.ts')).VERSION
}

export async function main(given: readonly string[]): Promise<number> {
  const asksHelp = given[0] === 'help'
  const argv = asksHelp ? given.slice(1) : given
  // What stands after -- are names, whatever they look like.
  const end = argv.indexOf('--')
  const flags = end < 0 ? argv : argv.slice(0, end)
  const output = new Output(flags.includes('--json'))
  guardStreams(output)
  if (flags.includes('--version') || flags[0] === '-V') {
    process.stdout.write(`myrmex ${await version()}\n`)
    return EXIT.success
  }
  const found = findCommand(argv)
  const wantsHelp = asksHelp || flags.includes('--help') || flags.includes('-h')
  if (!found) {
    const words = argv.filter((arg) => !arg.startsWith('-'))
    const groups = COMMANDS.filter((command) => words.length > 0 && command.name.startsWith(`${words[0]} `))
    if (words.length === 0) {
      const shows = wantsHelp || argv.length === 0
      if (shows) process.stdout.write(overview(await version(), await loadCommands(COMMANDS)))
      else output.error(`name a command before ${visible(argv[0] ?? '')}. See: myrmex --help`)
      return shows ? EXIT.success : EXIT.usage
    }
    if (wantsHelp && groups.length > 0) {
      process.stdout.write(overview(await version(), await loadCommands(groups)))
      return EXIT.success
    }
    const known = nearest(
      words.slice(0, 2).join(' '),
      COMMANDS.map((command) => command.name),
    )
    const hint =
      groups.length > 0
        ? `; there are: ${groups.map((command) => command.name).join(', ')}`
        : known === undefined
          ? ''
          : `; did you mean "${known}"?`
    output.error(`unknown command "${visible(words.slice(0, 2).join(' '))}"${hint}. See: myrmex --help`)
    return EXIT.usage
  }
  const command = await found.entry.load()
  if (wantsHelp) {
    process.stdout.write(commandHelp(command))
    return EXIT.success
  }
  return runCommand(command, found.rest, output)
}

function guardStreams(output: Output): void {
  // A pipe that closes early (`| head`) is no crash.
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error) => {
    if (codeOf(error) === 'EPIPE') return
    output.error(`cannot write to standard output: ${explain(error)}`)
    process.exit(EXIT.failure)
  })
}

async function runCommand(command: Command, argv: readonly string[], output: Output): Promise<number> {
  const controller = new AbortController()
  let interrupts = 0
  const onSignal = () => {
    if (++interrupts > 1) process.exit(EXIT.interrupted)
    controller.abort(new Interrupted('interrupted'))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  // Waiting for a peer holds no handle of its own; a running command keeps the process.
  const keepAlive = setInterval(() => undefined, 2 ** 30)
  try {
    const { values, positionals } = parseArgs(argv, command.flags, process.env)
    const { min, max } = command.positionals
    if (positionals.length < min || positionals.length > max)
      throw new UsageError(`usage: myrmex ${command.name} ${command.usage}`.trimEnd())
    if (positionals.includes('')) throw new UsageError('a name must not be empty')
    return await command.run({ values, positionals, signal: controller.signal, output })
  } catch (error) {
    if (error instanceof UsageError) {
      output.error(`${visible(error.message)}\nSee: myrmex ${command.name} --help`)
      return EXIT.usage
    }
    if (controller.signal.aborted) {
      output.note('Interrupted.')
      return EXIT.interrupted
    }
    output.error(visible(explain(error)))
    if (process.env['MYRMEX_DEBUG']) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return EXIT.failure
  } finally {
    clearInterval(keepAlive)
    output.clearBar()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeListener(name, onSignal)
  }
}

class Interrupted extends Error {}
