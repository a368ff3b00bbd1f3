// One backfill as the monitor sees it: what it does, by what one can tell, and what to do.

import { html, useEffect, useRef } from "../compat.js";
import { Head } from "../frame.js";
import { Bar, Command, Fact, Panel, Table, Trouble, When } from "../parts.js";
import { speak } from "../says.js";
import { Shape, State } from "../state.js";
import { count } from "../words.js";
import { kindOf, Level, useLooks } from "./looks.js";
import { Minutes } from "./minutes.js";

export function Monitored({ name }) {
  const feed = useLooks(["monitor", name]);
  const report = feed.data;
  const was = useRef(null);
  useEffect(() => {
    if (report && was.current && was.current !== report.state) speak(`${report.title} is ${report.state}.`);
    if (report) was.current = report.state;
  }, [report?.state]);
  const path = html`<nav class="path" aria-label="Where this is"><a href="#/monitor">Monitor</a> / ${name}</nav>`;

  if (!report) {
    const isUnknown = feed.problem?.status === 404;
    return html`<${Head} title=${isUnknown ? "No such profile" : "Monitor"} feed=${isUnknown ? null : feed} above=${path} />
      <${Trouble} problem=${feed.problem} again=${isUnknown ? null : feed.reload} />`;
  }
  return html`<${Head} title=${report.title} feed=${feed} above=${path} state=${html`<${State} of=${report.state} />`} />
    <div class="notice is-${kindOf(report.level)}"><${Shape} of=${kindOf(report.level)} /><div><span class="unseen">${`${report.level}: `}</span><strong>${report.headline}</strong></div></div>
    <p class="facts"><span>kind <b>${report.kind}</b></span><span>looked at <${When} at=${report.at} /></span>
      ${report.since && html`<span>what happened before <${When} at=${report.since} /> does not count</span>`}</p>
    <div class="columns job">
      <div class="main">
        <${Findings} items=${report.findings} steps=${report.next} />
        <${Steps} items=${report.next} />
        <${Minutes} items=${report.minutes} />
        <${Workers} groups=${report.workers} slowest=${report.slowest} />
        <${Errors} items=${report.errors} />
        <${Quality} items=${report.quality} />
      </div>
      <div class="side">
        <${Numbers} items=${report.stats} />
        <${Eta} eta=${report.eta} />
        <${Groups} items=${report.groups} />
        <${Sources} items=${report.sources} />
      </div>
    </div>`;
}

function Findings({ items, steps }) {
  if (!items.length) return null;
  return html`<${Panel} title="Findings"><ul class="checklist">${items.map((one, n) => html`<li key=${n} data-finding=${one.name}><${Level} of=${one.level} />
    <div><b>${one.text}</b>${one.evidence.map((text, line) => html`<small key=${line}>${text}</small>`)}
      ${one.next && !steps.includes(one.next) && html`<${Step} text=${one.next} />`}</div></li>`)}</ul><//>`;
}

function Steps({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title="What to do"><ol class="attention">${items.map((text) => html`<li key=${text}><div><${Step} text=${text} /></div></li>`)}</ol><//>`;
}

// As in backfill/texts.py: names of others stand in our sentences, and what they hold is not to be copied into a shell.
const COMMAND = /^(|.*: )(backfill (?:dead|events|failures|init|limits|list|monitor|queues|resume|services|status|workers)(?: [A-Za-z0-9_./:=-]+)*|backfill-queue --resume)$/s;

/** A sentence, and the command of ours at its end, which may be nothing, or all of it. */
function Step({ text }) {
  const [, said, command] = COMMAND.exec(text) || [text, text, ""];
  return command ? html`<${Command} text=${command}>${said}<//>` : html`<p>${said}</p>`;
}

function Workers({ groups, slowest }) {
  if (!groups.length) return null;
  return html`<${Panel} title="Workers" aside=${slowest && html`<span class="slowest">slowest</span> <span>${slowest}</span>`}>
    <ul class="checklist">${groups.map((one, n) => html`<li key=${n}><${Shape} of=${one.is_finished ? "completed" : "running"} /><div>${one.text}
      ${one.unit === "percent" && one.lowest !== null && one.highest !== null && html`<${Bar} label=${one.text} of=${100}
        parts=${[["updated", one.lowest], ["unchanged", one.highest - one.lowest]]} />`}</div></li>`)}</ul><//>`;
}

const Within = ({ of, isJudged }) => (of ? (isJudged ? html`<${Level} of="ok" />within` : "-") : html`<${Level} of="warning" />not within`);
const ERRORS = [
  ["Kind", (one) => one.label],
  ["Seen", (one) => count(one.total), "number"],
  ["In the last hour", (one) => count(one.last_hour), "number"],
  ["Target", (one) => html`${one.target ?? "-"}`],
  ["", (one) => html`<${Within} of=${one.is_within} isJudged=${one.target !== null} />`],
].map(named);
const share = (n) => (n === null ? "-" : n > 0 && n < 0.0001 ? "< 0.0001 %" : `${Number(n.toFixed(n < 1 ? 4 : 2))} %`);
const QUALITY = [
  ["Check", (one) => one.label],
  ["Found", (one) => count(one.count), "number"],
  ["Of", (one) => count(one.of), "number"],
  ["Share", (one) => share(one.share), "number"],
  ["Limit", (one) => share(one.limit), "number"],
  ["", (one) => html`<${Within} of=${one.is_within} isJudged=${one.limit !== null} />`],
].map(named);

function named([title, ...rest]) {
  return [title || html`<span class="unseen">Judged</span>`, ...rest];
}

function Errors({ items }) {
  if (!items.length) return null;
  const examples = items.flatMap((one) => one.examples);
  return html`<${Panel} title="Errors"><${Table} label="Errors" columns=${ERRORS} rows=${items} keyed=${(one) => one.name} marked=${(one) => !one.is_within} />
    ${examples.length > 0 && html`<details><summary>Examples</summary><ul class="reasons">${examples.map((one, n) => html`<li key=${n}><code>${one.place}</code> ${one.text}</li>`)}</ul></details>`}<//>`;
}

function Quality({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title="Data quality"><${Table} label="Data quality" columns=${QUALITY} rows=${items} keyed=${(one) => one.name} marked=${(one) => !one.is_within} /><//>`;
}

function Numbers({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title="Numbers"><dl class="pairs">${items.map((one) => html`<dt>${one.label}</dt>
    <dd>${one.text}${one.name === "percent" && html`<${Bar} label=${one.text} of=${100} parts=${[["updated", one.value]]} />`}</dd>`)}</dl><//>`;
}

function Groups({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title="By status"><dl class="facts">${items.map((one) => html`<${Fact} key=${one.name} name=${one.name}>${count(one.count)}<//>`)}</dl><//>`;
}

function Eta({ eta }) {
  const all = [["by the slowest worker", eta.by_slowest_at], ["by the overall rate", eta.by_overall_at], ["earliest", eta.earliest_at], ["latest", eta.latest_at]];
  const known = all.filter(([, at]) => at).map(([, at]) => new Date(at).getTime());
  const times = Math.max(...known) - Math.min(...known) > 60_000 ? all : []; // else they are one, and the text says it
  return html`<${Panel} title="ETA"><p>${eta.text || "not known"}</p><dl class="pairs">
    ${times.map(([title, at]) => at && html`<dt>${title}</dt><dd><${When} at=${at} /></dd>`)}
    ${eta.bottleneck && html`<dt>bottleneck</dt><dd>${eta.bottleneck}</dd>`}</dl><//>`;
}

function Sources({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title="Sources"><ul class="checklist">${items.map((one) => html`<li key=${one.name}><${Level} of=${one.problems.length ? "warning" : "ok"} />
    <div><b>${one.name}</b><small>${one.text}</small>${one.problems.map((text, n) => html`<small key=${n} class="bad">${text}</small>`)}
      ${one.notes.map((text, n) => html`<small key=${n}>${text}</small>`)}</div></li>`)}</ul><//>`;
}
