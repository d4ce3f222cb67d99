import { open } from 'node:fs/promises'

const STEP = 1024 * 1024

/** Compares two files byte by byte. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([open(a), open(b)])
  try {
    const [leftBuffer, rightBuffer] = [Buffer.alloc(STEP), Buffer.alloc(STEP)]
    for (let position = 0; ; position += STEP) {
      const [l, r] = await Promise.all([
        left.read(leftBuffer, 0, STEP, position),
        right.read(rightBuffer, 0, STEP, position),
      ])
      if (l.bytesRead !== r.bytesRead) return false
      if (!leftBuffer.subarray(0, l.bytesRead).equals(rightBuffer.subarray(0, r.bytesRead))) return false
      if (l.bytesRead < STEP) return true
    }
  } finally {
    await Promise.all([left.close(), right.close()])
  }
}
