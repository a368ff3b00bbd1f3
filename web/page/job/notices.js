// What somebody has to know about a job before they look at its numbers.

import { html } from "../compat.js";
import { Command, Notice, When } from "../parts.js";
import { count, counted, plain } from "../words.js";

export function Notices({ job }) {
  const needsCorrection = job.pause_cause === "definition";
  return html`
    ${job.error_message && html`<${Notice} of="failed"><strong>${job.state === "failed" ? "The job failed." : "The last error."}</strong> ${job.error_message}<//>`}
    ${job.state === "paused" && html`<${Notice} of="paused">
      <strong>Paused${job.paused_by ? ` by ${job.paused_by}` : ""}</strong> since <${When} at=${job.paused_at} />${job.pause_reason && html`: ${job.pause_reason}`}
      ${needsCorrection && html`<p>Every partition would fail alike. Correct the definition or the table, restart the workers, then resume.</p>`}
      ${job.pause_cause === "all" && html`<p>All jobs were paused together, and are resumed together.</p>`}<//>`}
    ${job.is_left && html`<${Notice}><strong>Its producer has gone before all was planned.</strong> A server takes it over within seconds; by hand:
      <${Command} text=${`backfill-queue --resume ${job.job}`} /><//>`}
    ${job.held_partitions > 0 && html`<${Notice} of="held"><strong>${counted(job.held_partitions, "partition")} held</strong> since <${When} at=${job.held_since} />: it ${job.held_reason}<//>`}
    ${job.waiting_partitions > 0 && html`<${Notice} of="pending"><strong>${counted(job.waiting_partitions, "partition")} wait for another try</strong>, the next at <${When} at=${job.next_retry_at} />.<//>`}
    ${job.records_left > 0 && html`<${Notice}><strong>${counted(job.records_left, "record")} still match.</strong>
      ${Object.entries(job.left_reasons || {}).map(([reason, n]) => html` ${count(n)} ${plain(reason)}.`)}<//>`}`;
}
