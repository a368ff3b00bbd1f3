// Records that failed, grouped by their error, and the retry of all, of a group or of one.

import { html, useState } from "../compat.js";
import { call } from "../calls.js";
import { useQuestion } from "../dialog.js";
import { usePolled } from "../feed.js";
import { Command, Empty, Panel, Part, Table, When } from "../parts.js";
import { go } from "../routes.js";
import { say } from "../says.js";
import { useMay } from "../session.js";
import { count, counted } from "../words.js";

export function Failures({ job, seconds, done }) {
  const [cursors, setCursors] = useState([]);
  const groups = usePolled(["jobs", job.job, "failures", "groups"], { cursor: cursors.at(-1) }, job.failed ? seconds : 0);
  const [open, setOpen] = useState(null);
  const [question, ask] = useQuestion();
  const mayRetry = useMay() && job.allowed?.includes("retry");
  const items = groups.data?.items || [];
  const retry = (title, body, n, which) => ask({
    title,
    verb: "Retry",
    act: async () => {
      const opened = await call("POST", ["jobs", job.job, "retry"], { body });
      say(`${counted(opened.records ?? n, "record")} tried again in a new job.`);
      if (opened.job && opened.job !== job.job) go("jobs", opened.job);
      else done();
    },
    children: html`<p>A new job works on ${which}; this one stays as it is.</p>`,
  });
  const undone = (n) => `at most ${counted(n, "record")}: those that no retry has done yet`;
  const retryGroup = (group) => retry(`Retry the group of ${group.error_class}?`, { error_class: group.error_class, message: group.message }, group.failed,
    job.failed > groups.data.looked_at ? "all of its records that no retry has done yet, older ones than are shown here too" : undone(group.failed));
  return html`<${Panel} title="Failures" wide aside=${mayRetry && job.failed > 0 && html`<button type="button" onClick=${() => retry("Retry all failed records?", {}, job.failed, undone(job.failed))}>Retry all</button>`}>
    <${Part} of=${groups}>
      ${!items.length && html`<${Empty}>${job.failed ? "The failed records are not listed yet." : "No record has failed."}<//>`}
      <ul class="groups">${items.map((group) => html`<li key=${group.error_class + group.message}>
        <${Group} job=${job} group=${group} isOpen=${open === group.error_class + group.message} mayRetry=${mayRetry} retry=${retry} retryGroup=${retryGroup}
          turn=${() => setOpen(open === group.error_class + group.message ? null : group.error_class + group.message)} /></li>`)}</ul>
      <${Pages} cursors=${cursors} set=${setCursors} next=${groups.data?.next_cursor} of="groups" />
      ${items.length > 0 && job.failed > groups.data.looked_at && html`<p class="note">Grouped are the newest ${count(groups.data.looked_at)} failures.</p>`}
      ${items.length > 0 && !mayRetry && !job.completed_at && html`<p class="note">They can be tried again once the job has ended.</p>`}
      ${items.length > 0 && html`<${Command} text=${`backfill failures ${job.job}`} />`}
    <//>${question}<//>`;
}

function Group({ job, group, isOpen, turn, mayRetry, retry, retryGroup }) {
  const title = `${group.error_class}: ${group.message}`;
  return html`<div class="group"><button type="button" class="link fold" aria-expanded=${String(isOpen)} onClick=${turn}>${isOpen ? "▾" : "▸"} <b>${count(group.failed)}</b> × <b>${group.error_class}</b></button>
      <span class="message">${group.message}</span>
      ${mayRetry && html`<button type="button" class="small" aria-label=${`Retry the ${count(group.failed)} records of ${title}`}
        onClick=${() => retryGroup(group)}>Retry group</button>`}</div>
    ${isOpen ? html`<${Records} job=${job} group=${group} mayRetry=${mayRetry} retry=${retry} />` : html`<small>as ${(group.sample || []).map((id) => html`<code key=${id}>${id}</code> `)}</small>`}`;
}

function Records({ job, group, mayRetry, retry }) {
  const [cursors, setCursors] = useState([]);
  const found = usePolled(["jobs", job.job, "failures"], { error_class: group.error_class, message: group.message, cursor: cursors.at(-1), limit: 25 });
  const columns = [
    ["Record", (one) => html`<code>${one.record_id}</code>`],
    ["Partition", (one) => one.partition_key],
    ["Error", (one) => one.error_message, "grow"],
    ["Attempts", (one) => count(one.attempts), "number"],
    ["Failed", (one) => html`<${When} at=${one.failed_at} />`],
    ...(mayRetry ? [[html`<span class="unseen">Retry</span>`, (one) => html`<button type="button" class="small" aria-label=${`Retry record ${one.record_id}`}
      onClick=${() => retry(`Retry record ${one.record_id}?`, { record_ids: [one.record_id] }, 1, "exactly this record")}>Retry</button>`]] : []),
  ];
  return html`<${Part} of=${found}><${Table} label=${`Failed records: ${group.error_class}`} columns=${columns} rows=${found.data?.items || []} keyed=${(one) => one.id} />
    <${Pages} cursors=${cursors} set=${setCursors} next=${found.data?.next_cursor} of="failed records" /><//>`;
}

function Pages({ cursors, set, next, of }) {
  return (next || cursors.length > 0) && html`<div class="pages"><button type="button" aria-label=${`Back: ${of}`} disabled=${!cursors.length} onClick=${() => set(cursors.slice(0, -1))}>Back</button>
    <button type="button" aria-label=${`More ${of}`} disabled=${!next} onClick=${() => set([...cursors, next])}>More</button></div>`;
}
