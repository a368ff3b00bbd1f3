// How far a job is and when it will be done, in a line: the same in lists and on its own page.

import { html } from "../compat.js";
import { Bar, When } from "../parts.js";
import { count, duration, percent } from "../words.js";

export const OUTCOMES = ["updated", "unchanged", "skipped", "failed", "deleted"];
const planned = (job) => job.is_planned ?? job.total_is_final ?? true;

/** "1,200 of at least 5,000 records" while more may be found. */
export function matched(job) {
  return `${planned(job) ? "" : "at least "}${count(job.matched)}`;
}

export function share(job) {
  if (!job.matched) return planned(job) && job.state === "completed" ? "nothing matched" : "-";
  return `${planned(job) ? "" : "at most "}${percent(job.done, job.matched)}`;
}

export function Records({ job, large }) {
  const words = `${count(job.done)} of ${matched(job)} records`;
  return html`<${Bar} large=${large} label=${`${words}, ${share(job)}`} of=${job.matched} parts=${OUTCOMES.map((name) => [name, job[name]])} />
    ${!large && html`<small class="words">${words} (${share(job)})</small>`}`;
}

const SLA = { on_time: ["completed", "deadline: on time"], at_risk: ["warning", "deadline at risk"], breached: ["failed", "deadline missed"] };

export function Eta({ job, plainly }) {
  const [kind, words] = (!plainly && SLA[job.sla]) || [];
  return html`<span>${job.seconds_left === null || job.seconds_left === undefined ? "-" : duration(job.seconds_left)}</span>
    <small>${range(job)}</small>${words && html` <small class="sla is-${kind}">${words}</small>`}`;
}

/** Whether seconds say nothing about its end any more. */
export const isFar = (job) => job.seconds_left > 3600;

function range(job) {
  if (!job.earliest_completion_at || !job.latest_completion_at || job.completed_at) return "";
  return html`<${When} at=${job.earliest_completion_at} short=${isFar(job)} /> to <${When} at=${job.latest_completion_at} short=${isFar(job)} />`;
}

/** When so much of a job will be done, as the estimates of its end have it; "passed" once it is. */
export function moment(job, part, name = "estimated") {
  const end = job[`${name}_completion_at`];
  const left = job.matched - job.done;
  const until = part * job.matched - job.done;
  if (until <= 0) return "passed";
  if (!end || !left) return null;
  const now = new Date(job.read_at).getTime();
  return new Date(now + (Math.max(0, new Date(end).getTime() - now) * until) / left).toISOString();
}
