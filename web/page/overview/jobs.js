// Jobs: those that are active as they come, any others page by page.

import { html, useEffect, useState } from "../compat.js";
import { usePolled } from "../feed.js";
import { Age, Empty, Panel, Part, Table } from "../parts.js";
import { Eta, Records } from "../job/measures.js";
import { to } from "../routes.js";
import { State } from "../state.js";
import { brief, count, rate } from "../words.js";

const ACTIVE = ["running", "resuming", "pending", "paused"];
const STATES = [...ACTIVE, "failed", "completed", "cancelled"];
const LIMIT = 25;

export function Jobs({ active, counts }) {
  const [chosen, setChosen] = useState(null);
  const [backfill, setBackfill] = useState("");
  const [wanted, want] = useState("");
  const [cursors, setCursors] = useState([]);
  useEffect(() => {
    const timer = setTimeout(() => (want(backfill.trim()), setCursors([])), 300);
    return () => clearTimeout(timer);
  }, [backfill]);
  const some = (states) => states.reduce((sum, one) => sum + (counts[one] || 0), 0);
  // Until somebody chooses: what is active, and where nothing is, what was last.
  const state = chosen ?? (some(ACTIVE) || !some(STATES) ? "active" : "all");
  const isActive = state === "active";
  const cursor = cursors.at(-1);
  const isLive = isActive && !wanted && !cursor; // what the overview brings
  const query = { state: state === "all" ? [] : isActive ? ACTIVE : state, backfill: wanted, cursor, limit: LIMIT };
  const page = usePolled(isLive ? null : ["jobs"], query, cursor ? 0 : 3);
  const live = active.slice(0, LIMIT);
  const first = usePolled(isLive && some(ACTIVE) > LIMIT ? ["jobs"] : null, query, 0); // its cursor leads to the second page
  const next = (isLive ? first : page).data?.next_cursor;
  const choose = (value) => (setChosen(value), setCursors([]));
  const tools = html`<label><span class="unseen">State</span>
      <select value=${state} onChange=${(e) => choose(e.target.value)}>
        <option value="active">active (${count(some(ACTIVE))})</option>
        <option value="all">all (${count(some(STATES))})</option>
        ${STATES.map((one) => html`<option key=${one} value=${one}>${one} (${count(counts[one] || 0)})</option>`)}
      </select></label>
    <label><span class="unseen">Backfill</span>
      <input type="search" placeholder="backfill" value=${backfill} onInput=${(e) => setBackfill(e.target.value)} /></label>`;
  return html`<${Panel} title="Jobs" wide aside=${tools}>
    ${isLive ? html`<${List} rows=${live} state=${state} />` : html`<${Part} of=${page}><${List} rows=${page.data?.items} state=${state} /><//>`}
    ${(cursors.length > 0 || next) && html`<div class="pages">
      <button type="button" disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Newer</button>
      <span>page ${count(cursors.length + 1)}</span>
      <button type="button" disabled=${!next} onClick=${() => setCursors([...cursors, next])}>Older</button></div>`}
  <//>`;
}

function List({ rows, state }) {
  if (!rows.length) return html`<${Empty}>${state === "active" ? "No job is active." : "No such job."}<//>`;
  return html`<${Table} label="Jobs" rows=${rows} keyed=${(job) => job.job} columns=${COLUMNS} />`;
}

const COLUMNS = [
  ["Job", (job) => html`<a class="job" href=${to("jobs", job.job)}><b>${job.backfill}</b> <code>${brief(job.job)}</code></a>
    <small>${job.mode}${job.pass_number ? `, pass ${job.pass_number}` : ""}${job.priority !== "normal" ? `, ${job.priority}` : ""}</small>`],
  ["State", (job) => html`<${State} of=${job.state} />`],
  ["Progress", (job) => html`<${Records} job=${job} />`, "grow"],
  ["Failed", (job) => (job.failed ? html`<b class="bad">${count(job.failed)}</b>` : "0"), "number"],
  ["Rate", (job) => rate(job.rate), "number"],
  ["Done in", (job) => (job.completed_at ? html`<span>ended <${Age} at=${job.completed_at} /></span>` : html`<${Eta} job=${job} />`)],
];
