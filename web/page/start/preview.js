// What a dry run said, and the button that starts it.

import { html } from "../compat.js";
import { Fact, Notice } from "../parts.js";
import { count, counted, shown } from "../words.js";

export function Preview({ of, start, isBusy }) {
  const about = of.matched_is_estimate ? "about " : "";
  const batches = of.batch_size ? Math.ceil(of.matched / of.batch_size) : null;
  return html`<div class="preview">
    <p class="large"><strong data-matched>${about}${count(of.matched)}</strong> <span>${Number(of.matched) === 1 ? "record matches" : "records match"}</span></p>
    ${(of.warnings || []).map((text, n) => html`<${Notice} key=${n}>${text}<//>`)}
    <dl class="facts"><${Fact} name="Backfill">${of.backfill}<//><${Fact} name="Mode">${of.mode}<//>
      <${Fact} name="Batches">${batches === null ? "-" : `${about}${count(batches)}`}<//><${Fact} name="Batch size">${count(of.batch_size)}<//></dl>
    ${Object.keys(of.parameters || {}).length > 0 && html`<p>Parameters <code>${shown(of.parameters)}</code></p>`}
    ${of.predicate && html`<h3>Which records</h3><pre tabindex="0" aria-label="Predicate">${shown(of.predicate)}</pre>`}
    ${of.query_plan?.length > 0 && html`<details><summary>Query plan</summary><pre tabindex="0" aria-label="Query plan">${of.query_plan.join("\n")}</pre></details>`}
    ${of.missing && (!Array.isArray(of.missing) || of.missing.length > 0) && html`<${Notice}>Given, but not selected: ${shown(of.missing)}<//>`}
    ${Number(of.matched) > 0 ? html`<div class="buttons"><button type="button" class="primary" disabled=${isBusy} onClick=${start}>
        ${isBusy ? "Starting …" : `Start: ${about}${counted(of.matched, "record")}`}</button></div>`
      : html`<p class="empty">Nothing matches, so there is nothing to start.</p>`}
  </div>`;
}
