// One job: everything about it that is known, and all that may be done to it.

import { html, useEffect, useRef } from "../compat.js";
import { usePolled, useStream } from "../feed.js";
import { Head } from "../frame.js";
import { Trouble, When } from "../parts.js";
import { to } from "../routes.js";
import { speak } from "../says.js";
import { State } from "../state.js";
import { plain } from "../words.js";
import { Actions } from "./actions.js";
import { Checklist } from "./checklist.js";
import { Coverage } from "./coverage.js";
import { Failures } from "./failures.js";
import { PartitionMap } from "./map.js";
import { Next } from "./next.js";
import { Notices } from "./notices.js";
import { Passes } from "./passes.js";
import { Progress } from "./progress.js";
import { Settings } from "./settings.js";
import { Throughput } from "./throughput.js";
import { Timeline } from "./timeline.js";
import { JobWorkers } from "./workers.js";

const ENDED = new Set(["completed", "failed", "cancelled"]);

export function Job({ id }) {
  const parts = ["jobs", id];
  const history = useRef(() => {});
  const feed = useStream(parts, "job", (event) => event === "event" && history.current());
  const job = feed.data;
  const isActive = job ? !ENDED.has(job.state) : true;
  const often = (seconds) => (isActive ? seconds : 0);
  const known = job && parts;
  // What an ended job was asked for is read once more when it ends: the interval is part of what makes it be read anew.
  const minutes = usePolled(known && [...parts, "minutes"], { minutes: 60 }, often(5));
  const checklist = usePolled(known && [...parts, "checklist"], {}, often(5));
  const events = usePolled(known && [...parts, "events"], { limit: 100 }, often(30));
  history.current = events.reload;

  const was = useRef(null);
  useEffect(() => {
    if (job && was.current && was.current !== job.state) {
      speak(`Job ${job.backfill} is ${job.state}.`);
      events.reload();
    }
    if (job) was.current = job.state;
  }, [job?.state]);

  if (!job) {
    return html`<${Head} title=${feed.problem?.status === 404 ? "No such job" : "Job"} feed=${feed.problem?.status === 404 ? null : feed} above=${html`<${Path} />`} />
      <${Trouble} problem=${feed.problem} again=${feed.problem?.status === 404 ? null : feed.reload} />`;
  }
  const reload = () => (feed.reload(), events.reload());
  return html`<${Head} title=${job.backfill} feed=${feed} above=${html`<${Path} />`} state=${html`<${State} of=${job.state} />`}>
      <${Actions} job=${job} done=${reload} /><//>
    <p class="facts"><span>job <code>${job.job}</code></span><span>mode <b>${job.mode}</b></span><span>priority <b>${job.priority}</b></span>
      ${Object.keys(job.parameters || {}).length > 0 && html`<span>parameters <code>${JSON.stringify(job.parameters)}</code></span>`}
      <span>opened by <b>${job.created_by}</b> <${When} at=${job.created_at} /></span>
      <span>${plain(job.state)} since <${When} at=${job.state_since || job.created_at} /></span>
      ${job.parent_job && html`<span>retries <a href=${to("jobs", job.parent_job)}>an earlier job</a></span>`}</p>
    <${Notices} job=${job} />
    <div class="columns job">
      <div class="main">
        <${Progress} job=${job} />
        <${Throughput} feed=${minutes} />
        <${PartitionMap} job=${job} seconds=${often(5)} />
        <${JobWorkers} job=${job} seconds=${often(2)} />
        <${Failures} job=${job} seconds=${often(10)} done=${reload} />
        <${Passes} job=${job} />
      </div>
      <div class="side">
        <${Checklist} feed=${checklist} />
        <${Coverage} job=${job} />
        <${Settings} job=${job} done=${reload} />
        <${Next} job=${job} />
        <${Timeline} feed=${events} job=${job} />
      </div>
    </div>`;
}

const Path = () => html`<nav class="path" aria-label="Where this is"><a href="#/">Overview</a> / job</nav>`;
