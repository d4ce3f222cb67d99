/** HTML and SVG by template: everything that is put in is escaped, unless it is markup already. */

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Part = string | number | Markup | undefined | false | readonly Part[]

/** Safe in text and in attribute values of either quote. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : '')).join(''))
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.text
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part))
  return part.map(render).join('')
}
