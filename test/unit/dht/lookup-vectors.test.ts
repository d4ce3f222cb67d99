import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookupSuite } from '../../vector-suites/parts/lookups.ts'

lookupSuite(JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/addresses.json'), 'utf8')))
