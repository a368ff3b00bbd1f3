// Who works on a job now, and who is slowest at it.

import { html } from "../compat.js";
import { usePolled } from "../feed.js";
import { Empty, Panel, Part, Table } from "../parts.js";
import { State } from "../state.js";
import { bytes, count, duration, rate } from "../words.js";

const COLUMNS = [
  ["Worker", (one) => html`<b>${one.host}:${one.pid}</b>${one.is_slowest && html` <span class="slowest">slowest</span>`}`],
  ["State", (one) => html`<${State} of=${one.state} />`],
  ["Partition", (one) => (one.partition ? html`<code>${one.partition}</code>` : "none"), "grow"],
  ["This attempt", (one) => (one.partition_seconds === null ? "-" : duration(one.partition_seconds)), "number"],
  ["Partitions", (one) => count(one.partitions), "number"],
  ["Updated", (one) => count(one.updated), "number"],
  ["Rate", (one) => rate(one.rate), "number"],
  ["CPU", (one) => (one.cpu_percent === null ? "-" : `${Math.round(one.cpu_percent)} %`), "number"],
  ["Memory", (one) => bytes(one.memory_bytes), "number"],
  ["Heartbeat", (one) => `${duration(one.heartbeat_age_seconds)} ago`, "number"],
];

export function JobWorkers({ job, seconds }) {
  const found = usePolled(["jobs", job.job, "workers"], {}, seconds);
  const items = found.data?.items || [];
  return html`<${Panel} title="Workers" wide aside=${html`<a href="#/workers">All workers</a>`}><${Part} of=${found}>
    ${items.length ? html`<${Table} label="Workers of this job" columns=${COLUMNS} rows=${items} keyed=${(one) => one.worker} marked=${(one) => one.is_slowest} />`
      : html`<${Empty}>${job.completed_at ? "The job has ended; nobody works on it." : html`No worker serves this backfill. Start one with <code>backfill-worker</code>.`}<//>`}<//><//>`;
}
