/** The page works without this: it adds the switch of light and dark, and a box with the figure under the pointer. */
export const PAGE_SCRIPT = `const root = document.documentElement
const button = document.querySelector('.theme')
const themes = ['auto', 'light', 'dark']
let theme = Math.max(0, themes.indexOf(root.dataset.theme))
const show = () => {
  if (theme === 0) root.removeAttribute('data-theme')
  else root.dataset.theme = themes[theme]
  button.textContent = \`Theme: \${themes[theme]}\`
}
button.hidden = false
button.addEventListener('click', () => {
  theme = (theme + 1) % themes.length
  show()
})
show()

const tip = document.getElementById('tip')
// The browser's own boxes would come on top of ours.
for (const title of document.querySelectorAll('[data-tip] > title')) title.remove()
const place = (event) => {
  const target = event.target.closest?.('[data-tip]')
  if (!target) return tip.classList.remove('on')
  tip.textContent = target.dataset.tip
  tip.classList.add('on')
  const { width, height } = tip.getBoundingClientRect()
  const left = Math.min(event.clientX + 14, innerWidth - width - 6)
  tip.style.left = \`\${Math.max(6, left)}px\`
  tip.style.top = \`\${event.clientY - height - 12 > 4 ? event.clientY - height - 12 : event.clientY + 18}px\`
}
document.addEventListener('pointermove', place)
document.addEventListener('click', place)
addEventListener('scroll', () => tip.classList.remove('on'), { passive: true })
`
