import { CodedError } from '../base/index.ts'

export type ScenarioErrorCode = 'SCENARIO_FILE' | 'SCENARIO_NOT_FOUND' | 'SCENARIO_STOPPED'

export class ScenarioError extends CodedError<ScenarioErrorCode> {}
