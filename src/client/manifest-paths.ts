/**
 * Which names and links a directory may hold (pure). They come from strangers: whatever could lead outside of the
 * restored folder on any system is refused (client.md 13).
 */
import { utf8 } from '../base/index.ts'

export const MAX_COMPONENT_BYTES = 255
export const MAX_PATH_BYTES = 1024
export const MAX_DEPTH = 64

/** Why the path must not be stored or restored; undefined when it may. Separator is `/`, relative, no way up. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (!path.isWellFormed()) return 'it is not Unicode text'
  if (utf8(path).length > MAX_PATH_BYTES) return `it has more than ${MAX_PATH_BYTES} bytes`
  if (hasControl(path)) return 'it holds a control character'
  if (path.startsWith('/')) return 'it is absolute'
  const components = path.split('/')
  if (components.length > MAX_DEPTH) return `it is more than ${MAX_DEPTH} folders deep`
  for (const component of components) {
    if (component === '') return 'it holds an empty name'
    if (component === '.' || component === '..') return `it holds "${component}"`
    if (utf8(component).length > MAX_COMPONENT_BYTES) return `a name in it has more than ${MAX_COMPONENT_BYTES} bytes`
  }
  return undefined
}

/**
 * Why a symbolic link at `path` must not lead to `target`; undefined when it may. Only relative targets that stay
 * within the folder. `..` may stand only at the beginning: after a name it would go up from wherever another link has
 * led, and no look at the text tells where that is.
 */
export function linkFault(path: string, target: string): string | undefined {
  if (target === '') return 'it leads nowhere'
  if (!target.isWellFormed()) return 'its target is not Unicode text'
  if (utf8(target).length > MAX_PATH_BYTES) return `its target has more than ${MAX_PATH_BYTES} bytes`
  if (hasControl(target)) return 'its target holds a control character'
  if (target.startsWith('/')) return 'its target is absolute'
  if (target.includes('\\') || /^[A-Za-z]:/.test(target))
    return 'its target leads outside of the folder on some systems'
  let up = 0
  let named = false
  for (const component of target.split('/')) {
    if (component === '' || component === '.') continue
    if (component !== '..') named = true
    else if (named) return 'its target goes up after a name'
    else up++
  }
  const depth = path.split('/').length - 1
  return up > depth ? 'its target leads outside of the folder' : undefined
}

function hasControl(text: string): boolean {
  for (const char of text) {
    const code = char.codePointAt(0) as number
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
