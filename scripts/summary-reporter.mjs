// A dot a test while it runs; at the end every failure and every skip with its reason, then one plain count.
const DOTS_A_LINE = 80

export default async function* summary(source) {
  const skipped = new Set()
  const failures = []
  let [passed, skips, dots] = [0, 0, 0]
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, details, skip } = event.data
    const skippedTest = skip !== undefined && skip !== false
    if (details?.type === 'suite' && event.type === 'test:pass' && !skippedTest) continue
    if (skippedTest) {
      skips++
      skipped.add(`${name}${typeof skip === 'string' && skip !== '' ? `: ${skip}` : ''}`)
    } else if (event.type === 'test:pass') passed++
    // A suite fails with its tests; one that fails by itself (a hook) has no other voice.
    else if (details?.type !== 'suite' || details.error?.failureType !== 'subtestsFailed')
      failures.push({ name, file, error: details?.error })
    else continue
    yield `${skippedTest ? '-' : event.type === 'test:pass' ? '.' : 'X'}${++dots % DOTS_A_LINE === 0 ? '\n' : ''}`
  }
  yield '\n'
  for (const { name, file, error } of failures) {
    yield `\nFAILED ${name} (${file ?? ''})\n${error?.cause?.stack ?? error?.stack ?? error?.message ?? error?.cause ?? ''}\n`
  }
  if (skipped.size > 0) yield `\nskipped:\n${[...skipped].map((line) => `  ${line}\n`).join('')}`
  yield `\n${passed} passed, ${failures.length} failed, ${skips} skipped\n`
}
