/** Help texts, made of the command tables. */
import { describeFlags } from './args.ts'
import type { Command } from './command.ts'

export function overview(version: string, commands: readonly Command[]): string {
  const shown = commands.filter((command) => !command.hidden)
  const width = Math.max(...shown.map((command) => `${command.name} ${command.usage}`.length))
  return [
    `myrmex ${version}: storage node, client and local network for the Autonomi 2.0 data network`,
    '',
    'Usage: myrmex COMMAND [OPTIONS]',
    '',
    ...shown.map((command) => `  ${`${command.name} ${command.usage}`.padEnd(width)}  ${command.summary}`),
    '',
    'More of one command: myrmex COMMAND --help',
    'Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.',
    '',
  ].join('\n')
}

export function commandHelp(command: Command): string {
  return [
    `${command.summary}`,
    '',
    `Usage: myrmex ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...describeFlags(command.flags),
    '',
  ].join('\n')
}
