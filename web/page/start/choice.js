// Which backfill, and which of its records.

import { html } from "../compat.js";
import { Age, Field, Notice } from "../parts.js";
import { to } from "../routes.js";
import { brief, count, percent } from "../words.js";

const MODES = { null: "records whose target is NULL", zero: "records whose target is 0", all: "every record" };

export function Choice({ backfills, form, choose, change }) {
  const backfill = backfills.find((one) => one.name === form.backfill);
  return html`
    <${Field} title="Backfill">${(field) => html`<select ...${field} required value=${form.backfill} onChange=${(e) => choose(backfills.find((one) => one.name === e.target.value))}>
        <option value="">choose one</option>
        ${backfills.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}</select>`}<//>
    ${backfill && html`<${About} backfill=${backfill} />
      <fieldset><legend>Mode</legend>
        ${["null", "zero", "all"].filter((mode) => backfill.modes.includes(mode) || backfill.refusals?.[mode]).map((mode) => {
          const refusal = backfill.modes.includes(mode) ? null : backfill.refusals[mode];
          return html`<label key=${mode} class="choice"><input type="radio" name="mode" value=${mode} checked=${form.mode === mode} disabled=${Boolean(refusal)} onChange=${() => change({ mode })} />
            <span><b>${mode}</b> ${backfill.table ? MODES[mode] : "all of its keys"}${refusal && html`<small>${refusal}</small>`}</span></label>`;
        })}</fieldset>
      ${!backfill.modes.length && html`<${Notice} of="failed">It cannot be run now: ${Object.values(backfill.refusals || {})[0]}<//>`}`}`;
}

function About({ backfill }) {
  const { coverage, last_success: success } = backfill;
  return html`<dl class="pairs">
    <dt>Reads</dt><dd>${backfill.table ? html`<code>${backfill.table}</code> by ${(backfill.key || []).join(", ")}` : "keys of its own"}</dd>
    <dt>Writes</dt><dd>${(backfill.columns?.length ? backfill.columns : backfill.writes || []).map((one) => html`<code key=${one}>${one}</code> `)}</dd>
    <dt>Coverage</dt><dd>${coverage ? `${coverage.is_estimate ? "about " : ""}${percent(coverage.covered, coverage.in_scope)} of ${count(coverage.in_scope)} records` : "not counted"}</dd>
    <dt>Last success</dt><dd>${success ? html`<a href=${to("jobs", success.job)}>${brief(success.job)}</a>, <${Age} at=${success.completed_at} />` : "never"}</dd></dl>`;
}
