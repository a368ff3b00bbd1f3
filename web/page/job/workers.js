// Who works on a job now, and who is slowest at it.

import { html } from "../compat.js";
import { usePolled } from "../feed.js";
import { Empty, Panel, Part, Table } from "../parts.js";
import { State } from "../state.js";
import { bytes, count, duration, rate } from "../words.js";

const COLUMNS = [
  ["Worker", (one) => html`<b>${one.host}:${one.pid}</b>${one.is_slowest && html` <span class="slowest">slowest</span>`}`],
  ["State", (one) => html`<${State} of=${one.state} />`],
  ["Partition", (one) => (one.partition ? html`<code>${one.partition}</code>${one.partitions > 1 && html` <small>and ${count(one.partitions - 1)} more</small>`}` : "none"), "grow"],
  ["This attempt", (one) => (one.partition_seconds === null ? "-" : duration(one.partition_seconds)), "number"],
  ["Updated", (one) => count(one.updated), "number"],
  ["Rate", (one) => rate(one.rate), "number"],
  ["CPU", (one) => (one.cpu_percent === null || one.cpu_percent === undefined ? "-" : `${Math.round(one.cpu_percent)} %`), "number"],
  ["Memory", (one) => bytes(one.memory_bytes), "number"],
  ["Heartbeat", (one) => `${duration(one.heartbeat_age_seconds)} ago`, "number"],
];

/** Of several with a partition in hand the slowest is the one that has had its for longest, in this attempt. */
function marked(items) {
  const found = items.map((one) => ({
    ...one,
    worker: one.worker ?? `${one.host}:${one.pid}`,
    state: one.state ?? "running",
    partition: one.partition ?? one.first_partition,
    partition_seconds: one.partition_seconds ?? one.longest_seconds ?? null,
  }));
  const busy = found.filter((one) => one.partition_seconds !== null);
  const most = Math.max(...busy.map((one) => one.partition_seconds));
  return found.map((one) => ({ ...one, is_slowest: one.is_slowest ?? (busy.length > 1 && one.partition_seconds === most) }));
}

export function JobWorkers({ job, seconds }) {
  const found = usePolled(["jobs", job.job, "workers"], {}, seconds);
  const items = marked(found.data?.items || []);
  return html`<${Panel} title="Workers" wide aside=${html`<a href="#/workers">All workers</a>`}><${Part} of=${found}>
    ${items.length ? html`<${Table} label="Workers of this job" columns=${COLUMNS} rows=${items} keyed=${(one) => one.worker} marked=${(one) => one.is_slowest} />`
      : html`<${Empty}>${job.completed_at ? "The job has ended; nobody works on it." : html`No worker serves this backfill. Start one with <code>backfill-worker</code>.`}<//>`}<//><//>`;
}
