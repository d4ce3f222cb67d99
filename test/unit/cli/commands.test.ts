import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS, loadCommands } from '../../../src/cli/commands/index.ts'

test('every entry of the command table loads the command of its name, and no name stands twice', async () => {
  const loaded = await loadCommands(COMMANDS)
  assert.deepEqual(
    loaded.map(({ name }) => name),
    COMMANDS.map(({ name }) => name),
  )
  assert.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length)
})
