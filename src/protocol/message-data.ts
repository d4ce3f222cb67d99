/** Content of a message, whole or in parts that stand one after the other. */
export type MessageData = Uint8Array | readonly Uint8Array[]

export function partsOf(data: MessageData): readonly Uint8Array[] {
  return data instanceof Uint8Array ? [data] : data
}

export function lengthOf(data: MessageData): number {
  let length = 0
  for (const part of partsOf(data)) length += part.length
  return length
}
