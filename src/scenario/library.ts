/** Scenarios by name, as the package brings them, or by path. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { codeOf } from '../base/index.ts'
import { ScenarioError } from './errors.ts'
import { MAX_SCENARIO_BYTES, parseScenario } from './parse.ts'
import type { Scenario } from './scenario.ts'

const ENDING = '.sim'
/** Beside src/ in a checkout, beside dist/ in the package. */
const FOLDER = join(import.meta.dirname, '../../scenarios')

export interface FoundScenario {
  readonly name: string
  readonly path: string
  readonly text: string
  readonly scenario: Scenario
}

export function builtInScenarios(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .sort()
}

/** A built-in one by its name, or a file by its path. Throws SCENARIO_NOT_FOUND, SCENARIO_FILE. */
export function findScenario(nameOrPath: string): FoundScenario {
  const builtIn = builtInScenarios().includes(nameOrPath)
  const path = builtIn ? join(FOLDER, nameOrPath + ENDING) : nameOrPath
  const text = readText(path, nameOrPath)
  const name = basename(nameOrPath, ENDING)
  try {
    return { name, path, text, scenario: parseScenario(text) }
  } catch (error) {
    if (error instanceof ScenarioError) throw new ScenarioError(error.code, `${nameOrPath}, ${error.message}`)
    throw error
  }
}

function readText(path: string, given: string): string {
  try {
    const { size } = statSync(path)
    if (size > MAX_SCENARIO_BYTES) throw new ScenarioError('SCENARIO_FILE', `${given} is too long for a scenario`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof ScenarioError) throw error
    const why = codeOf(error) === 'ENOENT' ? '' : ` (${codeOf(error)})`
    throw new ScenarioError(
      'SCENARIO_NOT_FOUND',
      `there is no scenario ${given}${why}. There are: ${builtInScenarios().join(', ')}, or a path`,
      { cause: error },
    )
  }
}
