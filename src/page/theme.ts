/** Look of our pages: colours for light and dark, texts, tiles, facts. Text and not a file, so that dist/ is sources only. */
/** Chosen by the system or by hand. */
const DARK = `  --page: #14171a;
  --card: #1c2024;
  --ink: #e9ebed;
  --soft: #a0a9b3;
  --line: #33393f;
  --grid: #2a2f35;
  --accent: #6cc1f0;
  --yes: #5fdcaf;
  --yes-back: #12362a;
  --no: #ffa877;
  --no-back: #43240f;
  --even-back: #2a2f35;
  --s0: #5ab8f2;
  --s1: #ff9355;
  --s2: #38d3a2;
  --s3: #eb9fd2;
  --s4: #b5bcc4;
  --s5: #e8c74e;
  --s6: #9ad3f7;
  --s7: #b9a4f5;
`

export const THEME_CSS = `:root {
  color-scheme: light dark;
  --page: #f6f5f2;
  --card: #ffffff;
  --ink: #1d2126;
  --soft: #5c6570;
  --line: #dedcd6;
  --grid: #ebe9e4;
  --accent: #0b5f8a;
  --yes: #00684a;
  --yes-back: #dff2ea;
  --no: #a33a00;
  --no-back: #fce9de;
  --even-back: #eceae5;
  --s0: #0072b2;
  --s1: #c8500a;
  --s2: #008a64;
  --s3: #a8478a;
  --s4: #6b6f76;
  --s5: #8a6d00;
  --s6: #3b8fc4;
  --s7: #7a5cc0;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) {
${DARK}  }
}
:root[data-theme="dark"] {
  color-scheme: dark;
${DARK}}
:root[data-theme="light"] {
  color-scheme: light;
}
* {
  box-sizing: border-box;
}
html {
  scroll-behavior: smooth;
  scroll-padding-top: 4rem;
  -webkit-text-size-adjust: 100%;
}
@media (prefers-reduced-motion: reduce) {
  html {
    scroll-behavior: auto;
  }
}
body {
  margin: 0;
  background: var(--page);
  color: var(--ink);
  font:
    16px / 1.5 system-ui,
    "Segoe UI",
    Roboto,
    "Noto Sans",
    "DejaVu Sans",
    sans-serif;
}
main,
header,
footer {
  max-width: 1240px;
  margin: 0 auto;
  padding: 0 1.25rem;
}
header {
  padding-top: 2.25rem;
  display: flex;
  flex-wrap: wrap;
  gap: 0.5rem 1.5rem;
  align-items: start;
  justify-content: space-between;
}
h1 {
  font-size: clamp(1.6rem, 4.5vw, 2.3rem);
  line-height: 1.15;
  margin: 0;
  letter-spacing: -0.02em;
}
h2 {
  font-size: 1.35rem;
  margin: 2.75rem 0 0.2rem;
  letter-spacing: -0.01em;
}
h3 {
  font-size: 1.02rem;
  margin: 0;
}
p {
  margin: 0.3rem 0 0.9rem;
}
.lead {
  color: var(--soft);
  max-width: 46rem;
}
.theme {
  font: inherit;
  font-size: 0.85rem;
  color: var(--ink);
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 99px;
  padding: 0.35rem 0.9rem;
  cursor: pointer;
}
.theme:hover {
  border-color: var(--accent);
}
:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}
.facts {
  display: flex;
  flex-wrap: wrap;
  gap: 0.4rem;
  margin: 0.6rem 0 0;
  padding: 0;
  list-style: none;
  font-size: 0.85rem;
  width: 100%;
}
.facts li {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 6px;
  padding: 0.15rem 0.6rem;
}
.facts span {
  color: var(--soft);
}
nav {
  position: sticky;
  top: 0;
  z-index: 2;
  background: var(--page);
  border-bottom: 1px solid var(--line);
  margin-top: 1.25rem;
}
nav ul {
  display: flex;
  gap: 0.25rem;
  list-style: none;
  max-width: 1240px;
  margin: 0 auto;
  padding: 0.4rem 1rem;
  overflow-x: auto;
  scrollbar-width: none;
}
nav a {
  display: block;
  white-space: nowrap;
  padding: 0.3rem 0.6rem;
  border-radius: 6px;
  color: var(--soft);
  text-decoration: none;
  font-size: 0.92rem;
}
nav a:hover {
  color: var(--ink);
  background: var(--card);
}
.tiles {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(170px, 1fr));
  gap: 0.8rem;
  margin: 1.5rem 0 0;
  padding: 0;
  list-style: none;
}
.tiles li {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 12px;
  padding: 0.8rem 1rem;
}
.tiles b {
  display: block;
  font-size: 1.55rem;
  line-height: 1.2;
  letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums;
}
.tiles b small {
  font-size: 0.85rem;
  font-weight: 500;
  letter-spacing: 0;
  color: var(--soft);
}
.tiles span {
  color: var(--soft);
  font-size: 0.85rem;
}
#tip {
  position: fixed;
  z-index: 3;
  pointer-events: none;
  max-width: min(330px, 90vw);
  background: var(--ink);
  color: var(--page);
  font-size: 0.85rem;
  line-height: 1.35;
  padding: 0.35rem 0.6rem;
  border-radius: 6px;
  opacity: 0;
  transition: opacity 0.1s;
}
#tip.on {
  opacity: 1;
}
footer {
  color: var(--soft);
  font-size: 0.85rem;
  padding: 2.5rem 1.25rem;
}
`
