// How much is done, with what outcome, and when the rest will be.

import { html } from "../compat.js";
import { Fact, Panel, When } from "../parts.js";
import { count, counted, duration, percent, plain, rate } from "../words.js";
import { Eta, isFar, matched, moment, OUTCOMES, Records, share } from "./measures.js";

export function Progress({ job }) {
  const busy = job.started_at && (new Date(job.completed_at || job.read_at) - new Date(job.started_at)) / 1000;
  return html`<${Panel} title="Progress" wide aside=${job.is_planned ? null : html`<span class="state is-running">still planning</span>`}>
    <p class="large" data-progress><strong>${share(job)}</strong> <span>${count(job.done)} of ${matched(job)} records</span></p>
    <${Records} job=${job} large />
    <dl class="facts outcomes">
      ${OUTCOMES.map((name) => html`<${Fact} key=${name} name=${html`<i class="key is-${name}" aria-hidden="true"></i>${name}`} note=${job.done > 0 && percent(job[name], job.done)}>
        <span data-count=${name}>${count(job[name])}</span><//>`)}
      <${Fact} name=${html`<i class="key" aria-hidden="true"></i>to do`}><span data-count="left">${job.is_planned ? "" : "at least "}${count(Math.max(0, job.matched - job.done))}</span><//>
    </dl>
    <dl class="facts">
      <${Fact} name=${job.completed_at ? "Rate, whole job" : "Rate, last minute"}><span data-rate>${rate(job.rate)}</span><//>
      ${job.completed_at ? html`<${Fact} name="Ended"><${When} at=${job.completed_at} /><//>` : html`<${Fact} name="Done in"><${Eta} job=${job} plainly /><//>`}
      ${!job.completed_at && html`<${Fact} name="50 % at"><${Moment} job=${job} part=${0.5} /><//><${Fact} name="100 % at"><${Moment} job=${job} part=${1} /><//>`}
      <${Fact} name=${job.completed_at ? "Took" : "Running for"}>${busy ? duration(busy) : "not started"}<//>
      <${Fact} name="Partitions" note=${more(job)}>${count(job.completed_partitions + job.failed_partitions + job.skipped_partitions)} of ${job.is_planned ? "" : "at least "}${count(job.total_partitions)}<//>
      ${job.sla_deadline_at && html`<${Fact} name="Deadline" note=${plain(job.sla)}><${When} at=${job.sla_deadline_at} /><//>`}
      ${job.calls_made + job.calls_refused > 0 && html`<${Fact} name="Calls" note=${job.calls_refused > 0 && `${count(job.calls_refused)} refused`}>${count(job.calls_made)}<//>`}
      ${job.retried_recovered + job.retried_failed > 0 && html`<${Fact} name="Tried again" note=${`${count(job.retried_failed)} failed at last`}>${count(job.retried_recovered)} recovered<//>`}
      ${job.replanned > 0 && html`<${Fact} name="Planned again" note="undone by others">${count(job.replanned)}<//>`}
    </dl>
    ${Object.entries(job.skip_reasons || {}).length > 0 && html`<ul class="reasons" aria-label="Why records were skipped">
      ${Object.entries(job.skip_reasons).map(([reason, n]) => html`<li key=${reason}>${counted(n, "record")} skipped: ${reason}</li>`)}</ul>`}
  <//>`;
}

function more(job) {
  const some = [["failed", job.failed_partitions], ["skipped", job.skipped_partitions], ["running", job.running_partitions]];
  return some.filter(([, n]) => n > 0).map(([name, n]) => `${count(n)} ${name}`).join(", ");
}

/** A moment to come, between the earliest and the latest that it may be. */
function Moment({ job, part }) {
  const about = moment(job, part);
  if (about === "passed") return "passed";
  if (!about) return "not known yet";
  const [early, late] = [moment(job, part, "earliest"), moment(job, part, "latest")];
  return html`<${When} at=${about} short=${isFar(job)} />${early && late && html`<small><${When} at=${early} short=${isFar(job)} /> to <${When} at=${late} short=${isFar(job)} /></small>`}`;
}
