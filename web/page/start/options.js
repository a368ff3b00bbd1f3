// The parameters of a definition, and how its job is worked on.

import { html } from "../compat.js";
import { Field, Panel } from "../parts.js";
import { count, shown } from "../words.js";
import { ids } from "./request.js";

export function Parameters({ backfill, form, change }) {
  if (!backfill.parameters?.length) return null;
  const set = (name, value) => change({ parameters: { ...form.parameters, [name]: value } });
  return html`<${Panel} title="Parameters" wide><div class="fields">${backfill.parameters.map((one) => {
    const value = form.parameters[one.name];
    const isNumber = /^(int|float|number|decimal)/i.test(one.type);
    return /^bool/.test(one.type)
      ? html`<label key=${one.name} class="choice"><input type="checkbox" checked=${value === true} onChange=${(e) => set(one.name, e.target.checked)} /><span><b>${one.name}</b> <small>${one.description}</small></span></label>`
      : html`<${Field} key=${one.name} title=${one.name} hint=${hint(one)}>${(field) => html`
        <input ...${field} type="text" inputmode=${isNumber ? "decimal" : undefined} required=${one.is_required ?? !hasDefault(one)} value=${value} onInput=${(e) => set(one.name, e.target.value)} />`}<//>`;
  })}</div><//>`;
}

const hasDefault = (one) => one.default !== null && one.default !== undefined;
const hint = (one) => `${one.type}${one.description ? `: ${one.description}` : ""}${hasDefault(one) ? ` (default ${shown(one.default)})` : ""}`;

export function Options({ backfill, form, change }) {
  const set = (name) => (event) => change({ [name]: event.target.value });
  const number = (name, title, hint, least, most) => html`<${Field} title=${title} hint=${hint}>${(field) => html`
    <input ...${field} type="number" min=${least} max=${most} value=${form[name]} onInput=${set(name)} />`}<//>`;
  const select = (name, title, values) => html`<${Field} title=${title}>${(field) => html`
    <select ...${field} value=${form[name]} onChange=${set(name)}>${values.map(([value, words]) => html`<option key=${value} value=${value}>${words}</option>`)}</select>`}<//>`;
  const some = ids(form.ids).length;
  return html`<${Panel} title="2 How" wide>
    <div class="fields">
      ${number("limit", "Limit", "at most so many records; empty for all", 1)}
      ${number("batch_size", "Batch size", backfill.table ? "records a transaction; empty for 500" : "keys a transaction; empty for its own", 1, 10_000)}
      ${select("priority", "Priority", [["high", "high"], ["normal", "normal"], ["low", "low"]])}
      ${select("order", "Order of keys", [["asc", "rising"], ["desc", "falling"]])}
    </div>
    <details><summary>More: single records, deadline, pace</summary><div class="fields">
      <${Field} broad title="Only these ids" hint=${some ? `${count(some)} ids; of these, those that the mode selects` : "parted by blanks or commas; empty for all"}>
        ${(field) => html`<textarea ...${field} rows="2" spellcheck=${false} value=${form.ids} onInput=${set("ids")}></textarea>`}<//>
      <${Field} title="Only behind this key" hint="in the order of keys">${(field) => html`<input ...${field} type="text" value=${form.after} onInput=${set("after")} />`}<//>
      <${Field} title="Deadline" hint="your time zone; a warning, no more">${(field) => html`<input ...${field} type="datetime-local" value=${form.deadline} onInput=${set("deadline")} />`}<//>
      ${number("max_workers", "Workers at once", "empty for any number", 1, 10_000)}
      ${number("pause_ms", "Rest after each partition, ms", "to go easy on the database", 0, 10_000)}
    </div></details>
  <//>`;
}
