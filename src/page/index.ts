/** page: HTML and SVG that need nothing else, for reports. Pure. */
export * from './axis.ts'
export * from './chart-style.ts'
export * from './markup.ts'
export * from './script.ts'
export * from './theme.ts'
