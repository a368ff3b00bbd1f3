// Start a job: choose, look at what would be done, then start exactly that.

import { html, useEffect, useRef, useState } from "../compat.js";
import { call } from "../calls.js";
import { usePolled } from "../feed.js";
import { Head } from "../frame.js";
import { Empty, Notice, Panel, Part, Trouble } from "../parts.js";
import { go } from "../routes.js";
import { say } from "../says.js";
import { useMay } from "../session.js";
import { Choice } from "./choice.js";
import { Options, Parameters } from "./options.js";
import { Preview } from "./preview.js";
import { EMPTY, request } from "./request.js";

export function Start({ given }) {
  const found = usePolled(["backfills"]);
  const may = useMay();
  if (!may) return html`<${Head} title="Start a backfill" /><${Notice}>Your token may only read. Ask for one with the role <b>operate</b>.<//>`;
  return html`<${Head} title="Start a backfill" /><${Part} of=${found}>
    ${found.data?.items.length ? html`<${Form} backfills=${found.data.items} given=${given} />` : html`<${Empty}>${found.data?.why_none || "The app has no backfill."}<//>`}<//>`;
}

function Form({ backfills, given }) {
  const first = backfills.find((one) => one.name === given.backfill) || (backfills.length === 1 ? backfills[0] : null);
  const [form, setForm] = useState(() => chosen(first));
  const [preview, setPreview] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState("");
  const key = useRef("");
  const result = useRef(null);
  const backfill = backfills.find((one) => one.name === form.backfill);
  // What was previewed is what is started: any change asks for another look.
  const change = (more) => (setForm((old) => ({ ...old, ...more })), setPreview(null), setProblem(null));
  useEffect(() => {
    if (preview || problem) result.current?.focus();
  }, [preview, problem]);

  const look = async (event) => {
    event.preventDefault();
    setBusy("look");
    setProblem(null);
    try {
      setPreview(await call("POST", ["jobs"], { body: { ...request(form, backfill), dry_run: true } }));
      key.current = fresh();
    } catch (error) {
      setProblem(error);
    }
    setBusy("");
  };
  const start = async () => {
    setBusy("start");
    setProblem(null);
    try {
      // One key a preview: pressed twice, or again after an answer that was lost, it is one job.
      const job = await call("POST", ["jobs"], { body: request(form, backfill), headers: { "Idempotency-Key": key.current } });
      if (job.job) {
        say("The job is open; it is being planned.");
        return go("jobs", job.job);
      }
      say("Nothing matches any more; no job was opened.");
      setPreview(null);
    } catch (error) {
      setProblem(error);
    }
    return setBusy("");
  };
  return html`<form onSubmit=${look}>
    <div class="columns job">
      <div class="main">
        <${Panel} title="1 What" wide><${Choice} backfills=${backfills} form=${form} choose=${(one) => change(chosen(one))} change=${change} /><//>
        ${backfill && html`<${Parameters} backfill=${backfill} form=${form} change=${change} /><${Options} backfill=${backfill} form=${form} change=${change} />`}
      </div>
      <div class="side">
        <${Panel} title="3 Look, then start">
          <p>The preview counts what matches and shows the query. It writes and sends nothing.</p>
          <div class="buttons"><button type="submit" class=${preview ? "" : "primary"} disabled=${!backfill || !form.mode || busy}>${busy === "look" ? "Counting …" : "Preview"}</button></div>
          <div tabindex="-1" ref=${result} aria-label="Result" role="group">
            <${Trouble} problem=${problem} />
            ${preview && html`<${Preview} of=${preview} start=${start} isBusy=${busy === "start"} />`}
          </div>
        <//>
      </div>
    </div>
  </form>`;
}

function chosen(backfill) {
  const parameters = Object.fromEntries((backfill?.parameters || []).map((one) => [one.name, one.default ?? ""]));
  return { ...EMPTY, backfill: backfill?.name || "", mode: backfill?.modes[0] || "", parameters };
}

function fresh() {
  return `page-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
