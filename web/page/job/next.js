// What one would type next, for this job in this state.

import { html } from "../compat.js";
import { address } from "../calls.js";
import { Command, Panel } from "../parts.js";

export function Next({ job }) {
  return html`<${Panel} title="Next">
    ${commands(job).map(([text, why]) => html`<${Command} key=${text} text=${text}>${why}<//>`)}
    <p><a href=${address(["jobs", job.job, "report"]).href} target="_blank" rel="noopener">This page as Markdown</a>, for a ticket or chat.</p>
  <//>`;
}

function commands({ job, state, failed, held_partitions: held, is_left: isLeft, records_left: left, backfill, mode }) {
  const next = [];
  if (isLeft) next.push([`backfill-queue --resume ${job}`, "Plan the rest"]);
  if (state === "paused") next.push([`backfill resume ${job}`, "Go on"]);
  if (["pending", "running", "resuming"].includes(state)) {
    next.push([`backfill watch ${job}`, "Watch it in a terminal"], [`backfill pause ${job} --reason=…`, "Stop for a while"]);
  }
  if (state === "pending") next.push(["backfill-worker", "Start a worker"]);
  if (held) next.push(["backfill limits", "See who holds it up"]);
  if (failed) next.push([`backfill failures ${job}`, "See what failed"]);
  if (failed && ["completed", "failed", "cancelled"].includes(state)) next.push([`backfill retry ${job}`, "Try what failed again"]);
  if (left && state === "completed") next.push([`backfill-queue ${backfill} --mode=${mode}`, "Work on what still matches"]);
  next.push([`backfill report ${job}`, "Report for a ticket"]);
  return next;
}
