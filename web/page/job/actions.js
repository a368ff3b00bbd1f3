// What may be done to a job now; what may not is not there.

import { html, useEffect, useRef } from "../compat.js";
import { call } from "../calls.js";
import { useQuestion } from "../dialog.js";
import { go } from "../routes.js";
import { say } from "../says.js";
import { useMay } from "../session.js";
import { count, counted } from "../words.js";

export function Actions({ job, done }) {
  const may = useMay();
  const [question, ask] = useQuestion();
  const allowed = new Set(may ? job.allowed || [] : []);
  const hasActed = useRef(false);
  useEffect(() => {
    // The button goes with what was done by it; the focus must not go with the button.
    if (hasActed.current && document.activeElement === document.body) document.querySelector("main h1").focus();
    hasActed.current = false;
  }, [[...allowed].join()]);
  const post = (verb, body) => async (reason) => {
    const answer = await call("POST", ["jobs", job.job, verb], { body: { ...body, ...(reason ? { reason } : {}) } });
    say(answer.text || `Job ${verb}: done.`);
    hasActed.current = true;
    done();
  };
  const button = (verb, title, question, kind) => allowed.has(verb)
    && html`<button type="button" class=${kind} onClick=${() => ask(question)}>${title}</button>`;
  const needsCorrection = job.pause_cause === "definition";
  return html`<div class="actions" role="group" aria-label="Actions">
    ${button("pause", "Pause", {
      title: `Pause ${job.backfill}?`, verb: "Pause", reason: "asked", act: post("pause"),
      children: html`<p>No partition starts any more; the ${counted(job.running_partitions || 0, "partition")} in hand ${job.running_partitions === 1 ? "finishes" : "finish"}.</p>`,
    })}
    ${button("resume", "Resume", {
      title: `Resume ${job.backfill}?`, verb: "Resume", reason: "asked", act: post("resume", needsCorrection ? { accept_definition: true } : {}),
      children: needsCorrection ? html`<p>It was paused since every partition would have failed alike. Resume only once definition and table are corrected and the workers are restarted; the definition as it is now is accepted.</p>`
        : html`<p>Workers go on with ${counted(Math.max(0, job.matched - job.done), "record")}.</p>`,
    }, "primary")}
    ${button("reset-stuck", "Reset stuck", {
      title: "Reset stuck partitions?", verb: "Reset", act: post("reset-stuck"),
      children: html`<p>Partitions whose worker has not been heard of for longer than its lease are given to others. What lives keeps what it has.</p>`,
    })}
    ${button("cancel", "Cancel", {
      title: `Cancel ${job.backfill}?`, verb: "Cancel the job", isDangerous: true, reason: "needed", act: post("cancel"),
      children: html`<p>A cancelled job cannot be resumed. ${count(job.done)} records stay as they are written; ${counted(Math.max(0, job.matched - job.done), "record")} will not be worked on.</p>`,
    }, "danger")}
    ${button("delete", "Delete", {
      title: "Delete this job?", verb: "Delete the job", isDangerous: true, typed: job.backfill,
      act: async () => {
        await call("DELETE", ["jobs", job.job]);
        say("The job is deleted; its events are kept.");
        go();
      },
      children: html`<p>Its partitions and failures are deleted for good, and can no longer be retried. The values it wrote stay, and so do its events.</p>`,
    }, "danger")}
  </div>${question}`;
}
