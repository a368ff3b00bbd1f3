// Workers, wherever they are shown.

import { html } from "./compat.js";
import { Empty, Table } from "./parts.js";
import { to } from "./routes.js";
import { State } from "./state.js";
import { brief, bytes, count, duration } from "./words.js";

const OUTCOMES = ["updated", "unchanged", "skipped", "failed", "deleted"];
const identity = (one) => one.id || one.worker;
const done = (one) => OUTCOMES.reduce((sum, name) => sum + (one.counts?.[name] || 0), 0);

const COLUMNS = [
  ["Worker", (one) => html`<b>${one.host}:${one.pid}</b> <code>${brief(identity(one))}</code>`],
  ["State", (one) => html`<${State} of=${one.state} />`],
  ["Heartbeat", (one) => `${duration(one.heartbeat_age_seconds)} ago`, "number"],
  ["CPU", (one) => (one.cpu_percent === null || one.cpu_percent === undefined ? "-" : `${Math.round(one.cpu_percent)} %`), "number"],
  ["Memory", (one) => bytes(one.memory_bytes), "number"],
  ["Holds", (one) => html`<${Holds} of=${one.holds || []} />`, "grow"],
  ["Records", (one) => count(done(one)), "number"],
  ["Failed", (one) => (one.counts?.failed ? html`<b class="bad">${count(one.counts.failed)}</b>` : "0"), "number"],
];

export function WorkerTable({ items, more = [] }) {
  if (!items.length) return html`<${Empty}>No worker. Start one with <code>backfill-worker</code>.<//>`;
  return html`<${Table} label="Workers" columns=${[...COLUMNS, ...more]} rows=${items} keyed=${identity} marked=${(one) => one.state === "gone"} />`;
}

function Holds({ of }) {
  if (!of.length) return "nothing";
  const rest = of.length - 2;
  return html`${of.slice(0, 2).map((hold, n) => html`<span class="hold" key=${n}><a href=${to("jobs", hold.job)}><code>${brief(hold.job)}/${hold.partition}</code></a> for ${duration(hold.seconds)}</span> `)}
    ${rest > 0 && html`<small>and ${rest} more</small>`}`;
}
