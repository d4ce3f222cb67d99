// npm run build: dist/ from src/.  --check builds nothing, and exits 1 when dist/ is not what the sources say.
import { buildDist, distIsFresh } from './dist.mjs'
import { preparePackages, say } from './prepare.mjs'

if (process.argv.includes('--check')) {
  if (!distIsFresh()) {
    say('dist/ is missing or older than the sources: npm run build')
    process.exitCode = 1
  }
} else {
  preparePackages()
  process.exitCode = buildDist()
}
