/** What the report of a run has beyond the look of all our pages. */
export const REPORT_CSS = `.verdict {
  margin: 1.4rem 0 0;
  padding: 0.8rem 1rem;
  border-radius: 12px;
  font-size: 1.15rem;
  font-weight: 600;
}
.verdict.yes,
.pill.yes {
  color: var(--yes);
  background: var(--yes-back);
}
.verdict.no,
.pill.no {
  color: var(--no);
  background: var(--no-back);
}
.pill {
  white-space: nowrap;
  border-radius: 99px;
  padding: 0.1rem 0.6rem;
  font-size: 0.82rem;
}
.expected {
  border-collapse: collapse;
  font-size: 0.92rem;
}
.expected th,
.expected td {
  text-align: left;
  font-weight: 500;
  padding: 0.3rem 0.8rem 0.3rem 0;
  vertical-align: top;
}
.expected td:last-child {
  color: var(--soft);
}
.happened {
  stroke: var(--no);
  stroke-width: 1.2;
  opacity: 0.7;
}
.lasted {
  fill: var(--no);
  opacity: 0.09;
}
pre {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 12px;
  padding: 0.9rem 1.1rem;
  overflow-x: auto;
  font-size: 0.85rem;
  line-height: 1.45;
}
code {
  font-size: 0.88em;
  overflow-wrap: anywhere;
}
@media (max-width: 640px) {
  main,
  header,
  footer {
    padding-left: 0.8rem;
    padding-right: 0.8rem;
  }
  .tiles {
    grid-template-columns: repeat(auto-fill, minmax(140px, 1fr));
    gap: 0.5rem;
  }
  .tiles b {
    font-size: 1.3rem;
  }
}
@media print {
  .theme {
    display: none;
  }
  .card {
    break-inside: avoid;
  }
}
`
