// All that happens now, and what needs somebody first.

import { html, useRef } from "../compat.js";
import { useStream } from "../feed.js";
import { Head } from "../frame.js";
import { Age, Command, Panel, Trouble } from "../parts.js";
import { Unwell, useUnwell } from "../monitor/attention.js";
import { to } from "../routes.js";
import { useMay } from "../session.js";
import { Shape, State } from "../state.js";
import { brief, count, duration, plain } from "../words.js";
import { useNow } from "../pulse.js";
import { WorkerTable } from "../worker_table.js";
import { Backfills } from "./backfills.js";
import { Jobs } from "./jobs.js";
import { Queues } from "./queues.js";

export function Overview() {
  const heard = useStream(["overview"], "overview");
  const may = useMay();
  const unwell = useUnwell();
  // Without its database the server still says what is down, but of jobs it knows nothing: what was known stays, as old.
  const known = useRef({ data: null, heardAt: 0 });
  const isDown = heard.data && heard.data.server.database !== "up";
  if (heard.data && !isDown) known.current = { data: heard.data, heardAt: heard.heardAt };
  const feed = isDown ? { ...heard, ...known.current, isLive: false, problem: { message: heard.data.server.database } } : heard;
  const now = known.current.data;
  return html`<${Head} title="Overview" feed=${feed}>${may && html`<a class="button primary" href="#/start">Start a backfill</a>`}<//>
    ${heard.data ? html`<${Server} server=${heard.data.server} />` : html`<${Trouble} problem=${heard.problem} again=${heard.reload} />`}
    <${Unwell} items=${unwell} />
    ${now && html`
      <${Attention} items=${now.attention || []} isCalm=${!unwell.length} />
      <${Counts} jobs=${now.jobs || {}} workers=${now.workers || {}} />
      <div class="columns">
        <${Jobs} active=${now.active || []} counts=${now.jobs || {}} readAt=${feed.heardAt} />
        <${Queues} depths=${now.depths || []} server=${now.server} />
        <${Backfills} last=${now.last_success || []} />
        <${Panel} title="Workers" aside=${html`<a href="#/workers">All workers</a>`} wide>
          <${WorkerTable} items=${now.workers?.items || []} /><//>
      </div>
      <${About} now=${now} server=${heard.data.server} />`}`;
}

/** Services that are down, each in a sentence. */
function Server({ server }) {
  const down = [["PostgreSQL", server.database], ["RabbitMQ", server.broker]].filter(([, said]) => said && said !== "up" && said !== "none");
  return down.map(([name, said]) => html`<div class="notice is-failed" role="alert" key=${name}><${Shape} of="failed" />
    <div><strong>${name} is down.</strong> ${said}</div></div>`);
}

const FAILED = new Set(["job_failed", "failed_records"]);

function Attention({ items, isCalm }) {
  if (!items.length) return isCalm && html`<p class="notice is-completed calm"><${Shape} of="completed" /><span>Nothing needs attention.</span></p>`;
  return html`<${Panel} title=${`Needs attention first (${items.length})`} wide>
    <ol class="attention">${items.map((one, n) => html`<li key=${n}>
      <${Shape} of=${FAILED.has(one.kind) ? "failed" : "warning"} />
      <div><strong>${plain(one.kind)}</strong> ${one.text}${one.job && html` <a href=${to("jobs", one.job)}>Open job ${brief(one.job)}</a>`}
      ${one.next && html`<${Command} text=${one.next} />`}</div></li>`)}</ol>
  <//>`;
}

const ORDER = ["running", "resuming", "pending", "paused", "failed", "completed", "cancelled"];

function Counts({ jobs, workers }) {
  return html`<ul class="counts" aria-label="Jobs by state, and workers">
    ${ORDER.map((state) => html`<li key=${state} class=${jobs[state] ? "" : "none"}><strong>${count(jobs[state] || 0)}</strong><${State} of=${state} /></li>`)}
    <li><strong>${count(workers.live ?? 0)}</strong><span>${workers.live === 1 ? "worker lives" : "workers live"}${workers.gone > 0 && html`, <b>${count(workers.gone)} gone</b>`}</span></li>
  </ul>`;
}

function About({ now, server }) {
  const clock = useNow();
  const up = (clock - new Date(server.started_at).getTime()) / 1000;
  return html`<footer class="about">
    <span>backfill ${server.version}</span><span>tenant ${server.tenant}</span><span>server up for ${duration(up)}</span>
    <span>PostgreSQL ${server.database === "up" ? "up" : "down"}</span><span>RabbitMQ ${["up", "none"].includes(server.broker) ? server.broker : "down"}</span>
    ${now.read_at && html`<span>read <${Age} at=${now.read_at} /></span>`}</footer>`;
}
