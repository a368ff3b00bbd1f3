// What a cell of the map stands for: a partition with its records, or a list of them.

import { html, useLayoutEffect, useRef, useState } from "../compat.js";
import { usePolled } from "../feed.js";
import { Empty, Fact, Notice, Part, Table, When } from "../parts.js";
import { State } from "../state.js";
import { count, took } from "../words.js";

const MOST_IDS = 200;

export function Detail({ job, cell, title, words, close }) {
  const [key, setKey] = useState(cell.partitions === 1 ? cell.first_key : null);
  const box = useRef(null);
  useLayoutEffect(() => box.current.focus(), [key]); // before it is seen: the next key may be Escape
  const escape = (event) => event.key === "Escape" && close();
  return html`<section class="detail" tabindex="-1" ref=${box} aria-label=${key ? `Partition ${key}` : title} onKeyDown=${escape}>
    <header><h3>${key ? `Partition ${key}` : title}</h3>
      ${key && cell.partitions > 1 && html`<button type="button" class="small" onClick=${() => setKey(null)}>Back to ${count(cell.partitions)} partitions</button>`}
      <button type="button" class="small" onClick=${close}>Close</button></header>
    ${key ? html`<${One} key=${key} job=${job} id=${key} />` : html`<p>${words(cell)}</p><${Several} job=${job} cell=${cell} show=${setKey} />`}
  </section>`;
}

function Several({ job, cell, show }) {
  const found = usePolled(["jobs", job, "partitions"], { first_key: cell.first_key, last_key: cell.last_key, limit: 50 });
  const rows = (found.data?.items || []).filter((one) => one.partition_key >= cell.first_key && one.partition_key <= cell.last_key);
  const columns = [
    ["Partition", (one) => html`<button type="button" class="link" onClick=${() => show(one.partition_key)}>${one.partition_key}</button>`],
    ["State", (one) => html`<${State} of=${one.held_since && one.state === "pending" ? "held" : one.state} />`],
    ["Records", (one) => count(one.record_count), "number"],
    ["Failed", (one) => count(one.failed), "number"],
    ["Attempts", (one) => count(one.attempt_count), "number"],
    ["Took", (one) => took(one.duration_ms), "number"],
    ["Error", (one) => one.error_message || "", "grow"],
  ];
  return html`<${Part} of=${found}>${rows.length ? html`<${Table} label="Partitions of this cell" columns=${columns} rows=${rows} keyed=${(one) => one.partition_key} />`
    : html`<p>Show <button type="button" class="link" onClick=${() => show(cell.first_key)}>${cell.first_key}</button> or <button type="button" class="link" onClick=${() => show(cell.last_key)}>${cell.last_key}</button>.</p>`}
    ${rows.length < cell.partitions && rows.length > 0 && html`<small>The first ${count(rows.length)} of ${count(cell.partitions)}.</small>`}<//>`;
}

function One({ job, id }) {
  const found = usePolled(["jobs", job, "partitions", id]);
  const one = found.data;
  return html`<${Part} of=${found}>${one && html`
    <dl class="facts">
      <${Fact} name="State"><${State} of=${one.state} /><//>
      <${Fact} name="Records" note=${["updated", "unchanged", "skipped", "failed", "deleted"].filter((name) => one[name]).map((name) => `${count(one[name])} ${name}`).join(", ")}>${count(one.record_count)}<//>
      <${Fact} name="Attempts">${count(one.attempt_count)}<//>
      <${Fact} name="Worker">${one.host ? `${one.host}:${one.pid}` : "none"}<//>
      <${Fact} name="Started"><${When} at=${one.started_at} /><//>
      <${Fact} name="Ended" note=${one.duration_ms !== null && took(one.duration_ms)}><${When} at=${one.completed_at} /><//>
      ${one.not_before && one.state === "pending" && html`<${Fact} name="Not before"><${When} at=${one.not_before} /><//>`}
    </dl>
    ${one.held_reason && html`<${Notice} of="held">Held since <${When} at=${one.held_since} />: it ${one.held_reason}<//>`}
    ${one.error_message && html`<${Notice} of="failed">${one.error_message}<//>`}
    ${one.failures?.length > 0 && html`<${Table} label="Failures of this partition" rows=${one.failures} keyed=${(bad) => bad.id ?? bad.record_id} columns=${[
      ["Record", (bad) => html`<code>${bad.record_id}</code>`], ["Error", (bad) => html`<b>${bad.error_class}</b> ${bad.error_message}`, "grow"]]} />`}
    ${one.record_ids?.length > 0 ? html`<details><summary>${count(one.record_ids.length)} record ids${one.remaining_ids?.length > 0 ? `, ${count(one.remaining_ids.length)} to do` : ""}</summary>
      <p class="ids">${one.record_ids.slice(0, MOST_IDS).join(" ")}${one.record_ids.length > MOST_IDS ? ` … and ${count(one.record_ids.length - MOST_IDS)} more` : ""}</p></details>` : html`<${Empty}>Its record ids are not kept.<//>`}
  `}<//>`;
}
