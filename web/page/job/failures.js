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
  const groups = usePolled(["jobs", job.job, "failures", "groups"], {}, job.failed ? seconds : 0);
  const [open, setOpen] = useState(null);
  const [question, ask] = useQuestion();
  const mayRetry = useMay() && job.allowed?.includes("retry");
  const items = groups.data?.items || [];
  const retry = (title, body, n) => ask({
    title,
    verb: "Retry",
    act: async () => {
      const opened = await call("POST", ["jobs", job.job, "retry"], { body });
      say(`${counted(opened.records ?? n, "record")} tried again in a new job.`);
      if (opened.job && opened.job !== job.job) go("jobs", opened.job);
      else done();
    },
    children: html`<p>A new job works on exactly ${counted(n, "record")}; this one stays as it is.</p>`,
  });
  const failed = items.reduce((sum, one) => sum + one.failed, 0) || job.failed;
  return html`<${Panel} title="Failures" wide aside=${mayRetry && failed > 0 && html`<button type="button" onClick=${() => retry(`Retry all ${counted(failed, "failed record")}?`, {}, failed)}>Retry all</button>`}>
    <${Part} of=${groups}>
      ${!items.length && html`<${Empty}>${job.failed ? "The failed records are not listed yet." : "No record has failed."}<//>`}
      <ul class="groups">${items.map((group) => html`<li key=${group.error_class + group.message}>
        <${Group} job=${job} group=${group} isShared=${items.filter((one) => one.error_class === group.error_class).length > 1} isOpen=${open === group.error_class + group.message} mayRetry=${mayRetry} retry=${retry}
          turn=${() => setOpen(open === group.error_class + group.message ? null : group.error_class + group.message)} /></li>`)}</ul>
      ${groups.data?.is_cut && html`<p class="note">Grouped are the newest ${count(groups.data.looked_at)} failures.</p>`}
      ${items.length > 0 && !mayRetry && !job.completed_at && html`<p class="note">They can be tried again once the job has ended.</p>`}
      ${items.length > 0 && html`<${Command} text=${`backfill failures ${job.job}`} />`}
    <//>${question}<//>`;
}

function Group({ job, group, isShared, isOpen, turn, mayRetry, retry }) {
  const title = `${group.error_class}: ${group.message}`;
  return html`<div class="group"><button type="button" class="link fold" aria-expanded=${String(isOpen)} onClick=${turn}>${isOpen ? "▾" : "▸"} <b>${count(group.failed)}</b> × <b>${group.error_class}</b></button>
      <span class="message">${group.message}</span>
      ${mayRetry && html`<button type="button" class="small" aria-label=${`Retry the ${count(group.failed)} records of ${title}`}
        onClick=${() => retry(`Retry ${counted(group.failed, "record")} of ${group.error_class}?`, { error_class: group.error_class, message: group.message }, group.failed)}>Retry group</button>`}</div>
    ${isOpen ? html`<${Records} job=${job} group=${group} isShared=${isShared} mayRetry=${mayRetry} retry=${retry} />` : html`<small>as ${(group.sample || []).map((id) => html`<code key=${id}>${id}</code> `)}</small>`}`;
}

function Records({ job, group, isShared, mayRetry, retry }) {
  const [cursors, setCursors] = useState([]);
  // The list is of a class; groups of one class have it in common.
  const found = usePolled(["jobs", job.job, "failures"], { error_class: group.error_class, cursor: cursors.at(-1), limit: 25 });
  const columns = [
    ["Record", (one) => html`<code>${one.record_id}</code>`],
    ["Partition", (one) => one.partition_key],
    ["Error", (one) => one.error_message, "grow"],
    ["Attempts", (one) => count(one.attempts), "number"],
    ["Failed", (one) => html`<${When} at=${one.failed_at} />`],
    ...(mayRetry ? [[html`<span class="unseen">Retry</span>`, (one) => html`<button type="button" class="small" aria-label=${`Retry record ${one.record_id}`}
      onClick=${() => retry(`Retry record ${one.record_id}?`, { record_ids: [one.record_id] }, 1)}>Retry</button>`]] : []),
  ];
  const next = found.data?.next_cursor;
  return html`<${Part} of=${found}>${isShared && html`<small>All of ${group.error_class}, whatever their message.</small>`}<${Table} label=${`Failed records: ${group.error_class}`} columns=${columns} rows=${found.data?.items || []} keyed=${(one) => one.id} />
    ${(next || cursors.length > 0) && html`<div class="pages"><button type="button" disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Back</button>
      <button type="button" disabled=${!next} onClick=${() => setCursors([...cursors, next])}>More</button></div>`}<//>`;
}
