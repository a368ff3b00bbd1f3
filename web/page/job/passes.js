// The passes of a job as phases, each with its own end.

import { html } from "../compat.js";
import { Bar, Panel, Table } from "../parts.js";
import { to } from "../routes.js";
import { State } from "../state.js";
import { count, counted, duration } from "../words.js";
import { OUTCOMES } from "./measures.js";

export function Passes({ job }) {
  if (!job.passes?.length) return null;
  const columns = [
    ["Pass", (one) => html`<a href=${to("jobs", one.job)} aria-current=${one.job === job.job ? "true" : undefined}>pass ${one.pass}</a>`],
    ["State", (one) => html`<${State} of=${one.state} />`],
    ["Progress", (one) => html`<${Bar} label=${`Pass ${one.pass}`} of=${one.matched} parts=${OUTCOMES.map((name) => [name, one[name]])} />`, "grow"],
    ["Matched", (one) => count(one.matched), "number"],
    ["Updated", (one) => count(one.updated), "number"],
    ["Failed", (one) => count(one.failed), "number"],
    ["Left", (one) => (one.seconds_left === null ? "-" : duration(one.seconds_left)), "number"],
  ];
  return html`<${Panel} title="Passes" wide aside=${counted(job.passes.length, "phase")}>
    <${Table} label="Passes" columns=${columns} rows=${job.passes} keyed=${(one) => one.job} marked=${(one) => one.job === job.job} /><//>`;
}
