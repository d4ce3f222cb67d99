// Closing lines of a test run: every failure and every skip with its reason, then one plain count.
export default async function* summary(source) {
  const skipped = []
  let passed = 0
  let failed = 0
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, details, skip } = event.data
    if (details?.type === 'suite') continue
    if (skip !== undefined) skipped.push(`${name}${typeof skip === 'string' && skip !== '' ? `: ${skip}` : ''}`)
    else if (event.type === 'test:pass') passed++
    else {
      failed++
      const error = details?.error
      yield `\nFAILED ${name} (${file ?? ''})\n${error?.cause?.stack ?? error?.stack ?? error?.message ?? ''}\n`
    }
  }
  if (skipped.length > 0) {
    yield `\nskipped:\n`
    for (const line of new Set(skipped)) yield `  ${line}\n`
  }
  yield `\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n`
}
