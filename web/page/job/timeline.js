// What happened to a job, and what is to be expected next.

import { html } from "../compat.js";
import { Empty, Panel, Part, When } from "../parts.js";
import { Shape } from "../state.js";
import { count, counted, plain, shown } from "../words.js";
import { isFar, moment } from "./measures.js";

export function Timeline({ feed, job }) {
  const items = feed.data?.items || [];
  const next = expected(job);
  return html`<${Panel} title="Timeline"><${Part} of=${feed}>
    <ol class="timeline" reversed aria-label="Newest first; what is expected stands above">
      ${next.map(([text, at], n) => html`<li key=${`next${n}`} class="expected"><${Shape} of="pending" /><div>
        <span class="when">expected${at && html` <${When} at=${at} short=${isFar(job)} />`}</span> ${text}</div></li>`)}
      ${items.map((one) => html`<${Happened} key=${one.id ?? one.at + one.event} one=${one} />`)}
    </ol>
    ${!items.length && html`<${Empty}>Nothing has happened yet.<//>`}
    ${feed.data?.next_cursor && html`<small>Only the newest ${count(items.length)}; all with <code>backfill events ${job.job}</code></small>`}
  <//><//>`;
}

function Happened({ one }) {
  const details = Object.entries(one.details || {}).map(([name, value]) => `${plain(name)} ${shown(value)}`).join(", ");
  const login = one.login && one.login !== one.actor ? `with the database's login ${one.login}` : undefined;
  const what = one.to_state ? html`${one.from_state && html`<span class="by">${one.from_state} →</span> `}<b>${one.to_state}</b>` : html`<b>${plain(one.event)}</b>`;
  return html`<li><${Shape} of=${one.to_state || "warning"} /><div>
    <span class="when"><${When} at=${one.at} /></span> ${what} <span class="by" title=${login}>by ${one.actor}</span>
    ${one.reason && html`<p>${one.reason}</p>`}${details && html`<small>${details}</small>`}</div></li>`;
}

/** What comes next, the last of it first. */
function expected(job) {
  if (job.completed_at) return [];
  if (job.state === "paused") return [["it goes on when somebody resumes it", null]];
  const next = [];
  if (job.sla_deadline_at) next.push([`the deadline${job.sla ? ` (${plain(job.sla)})` : ""}`, job.sla_deadline_at]);
  if (job.estimated_completion_at) next.push(["100 %, then the closing sweep over what still matches", job.estimated_completion_at]);
  const half = moment(job, 0.5);
  if (half && half !== "passed") next.push(["50 %", half]);
  if (job.next_retry_at) next.push([`${counted(job.waiting_partitions, "partition")} tried again`, job.next_retry_at]);
  if (!job.is_planned) next.push([job.is_left ? "somebody takes the planning over" : "all records are planned", null]);
  if (job.state === "pending" || job.state === "resuming") next.push(["a worker claims a partition", null]);
  const at = (one) => (one[1] ? new Date(one[1]).getTime() : 0);
  return next.sort((a, b) => at(b) - at(a));
}
