// Settings that running workers obey from their next claim on.

import { html, useState } from "../compat.js";
import { call } from "../calls.js";
import { Field, Panel, Trouble, When } from "../parts.js";
import { say } from "../says.js";
import { useMay } from "../session.js";
import { count } from "../words.js";

/** A time in the browser's own zone, as its field for times wants it. */
const local = (iso) => {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const given = (job) => ({ priority: job.priority, max_workers: job.max_workers ?? "", pause_ms: job.pause_ms ?? 0, deadline: local(job.sla_deadline_at) });

export function Settings({ job, done }) {
  const mayChange = useMay() && job.allowed?.includes("patch");
  const [form, setForm] = useState(null);
  return html`<${Panel} title="Live settings" aside=${mayChange && !form && html`<button type="button" class="small" onClick=${() => setForm(given(job))}>Change</button>`}>
    ${form ? html`<${Form} job=${job} form=${form} set=${setForm} done=${done} />` : html`<dl class="pairs">
      <dt>Priority</dt><dd>${job.priority}</dd>
      <dt>Workers at once</dt><dd>${job.max_workers ? `at most ${count(job.max_workers)}` : "any number"}</dd>
      <dt>Rest after each partition</dt><dd>${count(job.pause_ms || 0)} ms</dd>
      <dt>Deadline</dt><dd>${job.sla_deadline_at ? html`<${When} at=${job.sla_deadline_at} />` : "none"}</dd></dl>`}
  <//>`;
}

function Form({ job, form, set, done }) {
  const [problem, setProblem] = useState(null);
  const change = (name) => (event) => set({ ...form, [name]: event.target.value });
  const submit = async (event) => {
    event.preventDefault();
    const old = given(job);
    const body = {};
    if (form.priority !== old.priority) body.priority = form.priority;
    if (String(form.max_workers) !== String(old.max_workers)) body.max_workers = Number(form.max_workers) || null;
    if (String(form.pause_ms) !== String(old.pause_ms)) body.pause_ms = Number(form.pause_ms);
    if (form.deadline !== old.deadline) body.deadline = form.deadline ? new Date(form.deadline).toISOString() : null;
    if (!Object.keys(body).length) return set(null);
    try {
      const answer = await call("PATCH", ["jobs", job.job], { body });
      say(answer.text || "The settings are changed.");
      set(null);
      done();
    } catch (error) {
      setProblem(error);
    }
    return undefined;
  };
  return html`<form class="settings" onSubmit=${submit}>
    <${Field} title="Priority">${(field) => html`<select ...${field} value=${form.priority} onChange=${change("priority")}>
      ${["high", "normal", "low"].map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>`}<//>
    <${Field} title="Workers at once">${(field) => html`<input ...${field} type="number" min="0" max="10000" placeholder="any number" value=${form.max_workers} onInput=${change("max_workers")} />`}<//>
    <${Field} title="Rest after each partition, ms">${(field) => html`<input ...${field} type="number" min="0" max="10000" required value=${form.pause_ms} onInput=${change("pause_ms")} />`}<//>
    <${Field} title="Deadline" hint="Your time zone; empty for none.">${(field) => html`<input ...${field} type="datetime-local" value=${form.deadline} onInput=${change("deadline")} />`}<//>
    <${Trouble} problem=${problem} />
    <div class="buttons"><button type="button" onClick=${() => set(null)}>Leave it</button><button type="submit" class="primary">Change</button></div>
  </form>`;
}
