import { readFile, stat } from 'node:fs/promises'
import { NodeError } from './errors.ts'

/** From the file given, else from MYRMEX_PASSPHRASE, else none. A trailing newline does not count. */
export async function readPassphrase(path: string | undefined): Promise<string | undefined> {
  const text = path === undefined ? process.env['MYRMEX_PASSPHRASE'] : await readPrivate(path)
  const passphrase = text?.replace(/\r?\n$/, '')
  if (passphrase === '') throw new NodeError('NODE_IDENTITY_PASSPHRASE', 'the passphrase is empty')
  return passphrase
}

async function readPrivate(path: string): Promise<string> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new NodeError('NODE_IDENTITY_READABLE', `others can read the passphrase in ${path}. Run: chmod 600 '${path}'`)
  }
  return readFile(path, 'utf8')
}
