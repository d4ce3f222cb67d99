/** Look of cards and of charts that are SVG; series are `.s0` to `.s7`, told apart by dashes as well. */
export const CHART_CSS = `.cards {
  columns: 2 470px;
  column-gap: 1rem;
  margin-top: 1rem;
}
.card {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 12px;
  padding: 1rem 1.1rem 0.8rem;
  container-type: inline-size;
  min-width: 0;
}
.cards > .card {
  break-inside: avoid;
  margin-bottom: 1rem;
}
.card > p:not(.warning) {
  color: var(--soft);
  font-size: 0.87rem;
  margin: 0.1rem 0 0.5rem;
}
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 0.15rem 0.9rem;
  margin: 0.2rem 0 0.3rem;
  padding: 0;
  list-style: none;
  font-size: 0.85rem;
}
.legend svg {
  width: 26px;
  height: 12px;
  margin-right: 0.35rem;
  vertical-align: -1px;
}
svg.chart {
  width: 100%;
  height: auto;
  display: block;
  overflow: visible;
}
svg.narrow {
  display: none;
}
@container (max-width: 430px) {
  svg.wide {
    display: none;
  }
  svg.narrow {
    display: block;
  }
}
svg text {
  font:
    12px system-ui,
    "Segoe UI",
    Roboto,
    "Noto Sans",
    "DejaVu Sans",
    sans-serif;
  fill: var(--soft);
}
.grid {
  stroke: var(--grid);
}
.tick {
  stroke: var(--soft);
}
.axis-title {
  font-size: 12px;
}
.ideal {
  fill: none;
  stroke: var(--soft);
  stroke-dasharray: 2 5;
}
.line {
  fill: none;
  stroke: var(--s);
  stroke-width: 2.2;
  stroke-linejoin: round;
}
.mark {
  fill: var(--s);
  stroke: var(--card);
  stroke-width: 1.2;
}
.cross {
  stroke: var(--s);
  stroke-width: 2.4;
  fill: none;
}
.whisker {
  stroke: var(--s);
  stroke-width: 1.4;
  opacity: 0.65;
}
.hit {
  fill: transparent;
  stroke: none;
  cursor: pointer;
}
.s0 {
  --s: var(--s0);
}
.s1 {
  --s: var(--s1);
}
.s2 {
  --s: var(--s2);
}
.s3 {
  --s: var(--s3);
}
.s4 {
  --s: var(--s4);
}
.s5 {
  --s: var(--s5);
}
.s6 {
  --s: var(--s6);
}
.s7 {
  --s: var(--s7);
}
.s1 .line {
  stroke-dasharray: 7 3;
}
.s2 .line {
  stroke-dasharray: 2 3;
}
.s3 .line {
  stroke-dasharray: 9 3 2 3;
}
.s4 .line {
  stroke-dasharray: 4 4;
}
`
