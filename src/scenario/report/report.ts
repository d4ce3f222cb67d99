/** The report of a run: one page that needs nothing else and is readable without its script. */
import { createHash } from 'node:crypto'
import { CHART_CSS, Markup, markup, PAGE_SCRIPT, THEME_CSS } from '../../page/index.ts'
import { eventText, formatScenario, struckText } from '../format.ts'
import type { Outcome } from '../run/run.ts'
import { shareOf, type Tally } from '../samples.ts'
import { isMoment, type ScenarioEvent } from '../scenario.ts'
import { chartsOf, type RealCurve } from './charts.ts'
import { REPORT_CSS } from './style.ts'
import { type Marking, tickText, timeCard } from './time-chart.ts'

export interface ReportFacts {
  readonly name: string
  /** As it was read; that of the run itself when figures were given on the command line. */
  readonly text?: string
  readonly version: string
  readonly takenAt: string
  readonly machine: string
  readonly real?: RealCurve
  /** Runs it again, in a shell. */
  readonly command: string
  /** Events and expectations that have no place in this run, with the reason. */
  readonly leftOut: readonly string[]
}

export function reportPage(outcome: Outcome, facts: ReportFacts): string {
  const { scenario, samples, met, notes } = outcome
  const allowed = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`
  const frame = { runMs: samples.at(-1)?.at || scenario.runMs, markings: scenario.events.map(markingOf) }
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(allowed)}">
<title>Myrmex simulation: ${facts.name}, seed ${scenario.seed}</title>
<style>${[THEME_CSS, CHART_CSS, REPORT_CSS].map((text) => new Markup(text))}</style></head><body>
<header><h1>${facts.name}</h1><button class="theme" type="button" hidden>Theme</button>${factList(outcome, facts)}</header>
<main><p class="verdict ${met ? 'yes' : 'no'}">${verdictText(outcome)}</p>${leftOutList(facts.leftOut)}${tiles(outcome)}
<section aria-labelledby="expected"><h2 id="expected">What was expected</h2>${expectations(outcome)}${notes.length > 0 && markup`<ul class="notes">${notes.slice(0, 20).map((note) => markup`<li>${note}</li>`)}${notes.length > 20 && markup`<li>and ${notes.length - 20} more</li>`}</ul>`}</section>
<section aria-labelledby="curves"><h2 id="curves">What happened</h2><p class="lead">Over virtual time. Strokes are events of an instant, shaded stretches go on for a time. ${struckList(outcome)}</p>
<div class="cards">${chartsOf(outcome, facts.real).map((chart) => timeCard(chart, frame))}</div></section>
<section aria-labelledby="scenario"><h2 id="scenario">The scenario</h2><pre>${facts.text ?? formatScenario(scenario)}</pre>
<p class="lead">Whole nodes ran on a virtual clock: the code of every room but the sockets, the disk and the signatures, whose lengths and rules are kept. Run again with <code>${facts.command}</code>, in the same folder: the same version of Myrmex takes the same samples and ends with the run hash <code>${outcome.hash}</code>${outcome.interrupted && ', unless it is stopped too'}; the date, the memory and the real time are those of the machine and the day.</p></section>
</main>
<footer>Copies are counted on the nodes’ disks by the simulator, not reported by nodes. A copy with a wrong bit and a copy of a liar are none. Date, memory and real time are of the machine that ran it; everything else follows from scenario and seed.</footer>
<div id="tip" role="status"></div><script>${new Markup(PAGE_SCRIPT)}</script></body></html>
`.text
}

function verdictText({ verdicts, met, interrupted, samples, scenario }: Outcome): string {
  if (interrupted)
    return `Interrupted after ${tickText(samples.at(-1)?.at ?? 0)} of ${tickText(scenario.runMs)}: nothing is decided.`
  if (verdicts.length === 0) return 'Nothing was expected: this run only shows what happens.'
  if (met) return `As expected: ${verdicts.length} of ${verdicts.length}.`
  return `Not as expected: ${verdicts.filter((verdict) => !verdict.met).length} of ${verdicts.length} failed.`
}

function factList({ scenario, hash, events }: Outcome, facts: ReportFacts): Markup {
  const { chunks, nodes, seed } = scenario
  const list: [string, string | number][] = [
    ['nodes', nodes],
    ['chunks', `${chunks.count} of ${chunks.bytes} bytes, ${chunks.by}`],
    ['virtual time', tickText(scenario.runMs)],
    ['seed', seed],
    ['hash', hash.split(' ', 1)[0] as string],
    ['timers', events],
    ['Myrmex', facts.version],
    ['machine', facts.machine],
    ['taken', facts.takenAt.slice(0, 16).replace('T', ' ')],
  ]
  return markup`<ul class="facts">${list.map(([name, value]) => markup`<li><span>${name}</span> ${value}</li>`)}</ul>`
}

function tiles({ samples, costs }: Outcome): Markup {
  const last = samples.at(-1)
  if (!last) return markup``
  const fewest = samples.reduce((least, { copies }) => Math.min(least, copies.fewest), Number.POSITIVE_INFINITY)
  const percent = (share: number) => (Number.isNaN(share) ? '–' : `${Number((share * 100).toFixed(1))} %`)
  const unanswered = ({ open }: Tally) => (open === 0 ? '' : `, ${open} unanswered`)
  const realMs = (costs.at(-1)?.realMs ?? 0) - (costs[0]?.realMs ?? 0)
  const list: [string, string][] = [
    [String(last.copies.lost), 'chunks lost'],
    [String(fewest), 'fewest copies of any chunk, ever'],
    [`${Number((last.traffic.repairBytes / 1e6).toPrecision(3))} MB`, 'chunk bytes sent for repair'],
    [percent(shareOf(last.gets)), `gets with the right bytes${unanswered(last.gets)}`],
    [percent(shareOf(last.lookups)), `lookups that found their group${unanswered(last.lookups)}`],
    [realMs > 0 ? `${Number((last.at / realMs).toPrecision(2))}×` : '–', 'faster than real time'],
  ]
  return markup`<ul class="tiles">${list.map(([value, text]) => markup`<li><b>${value}</b><span>${text}</span></li>`)}</ul>`
}

function leftOutList(leftOut: readonly string[]): Markup {
  if (leftOut.length === 0) return markup``
  return markup`<p>Left out of the scenario:</p><ul class="notes">${leftOut.map((text) => markup`<li>${text}</li>`)}</ul>`
}

function expectations({ verdicts, interrupted }: Outcome): Markup {
  if (verdicts.length === 0) return markup`<p>Nothing.</p>`
  return markup`<table class="expected"><tbody>${verdicts.map(
    ({ text, met, seen }) =>
      markup`<tr><td><span class="pill ${met ? 'yes' : 'no'}">${interrupted && 'so far '}${met ? '✓ met' : '✗ not met'}</span></td><th scope="row">${text}</th><td>${seen}</td></tr>`,
  )}</tbody></table>`
}

function struckList({ struck, scenario }: Outcome): string {
  if (struck.length === 0 && scenario.events.length === 0) return 'Nothing was done to this network.'
  const told = [...struck.map(struckText), ...scenario.events.filter(({ kind }) => kind === 'loss').map(eventText)]
  return `Struck were: ${told.slice(0, 20).join('; ')}${told.length > 20 ? `; and ${told.length - 20} more` : ''}.`
}

function markingOf(event: ScenarioEvent): Marking {
  const text = eventText(event)
  return isMoment(event) ? { text, from: event.at } : { text, from: event.from, to: event.to }
}
