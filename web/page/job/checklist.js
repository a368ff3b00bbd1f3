// Whether a job does well, each line as it was measured.

import { html } from "../compat.js";
import { Panel, Part } from "../parts.js";
import { Shape } from "../state.js";

const NAMES = {
  accepts_work: "Accepts work",
  errors_zero: "Errors 0 %",
  rate_steady: "Rate steady",
  half: "50 %",
  whole: "100 %",
  no_violations: "No constraint violated",
  values_checked: "Values checked",
};
const WORDS = { yes: "yes", no: "no", waiting: "not yet" };

export function Checklist({ feed }) {
  const items = feed.data?.items || [];
  return html`<${Panel} title="Checklist" aside=${items.length > 0 && `${items.filter((one) => one.state === "yes").length} of ${items.length}`}><${Part} of=${feed}>
    <ul class="checklist">${items.map((one) => html`<li key=${one.name} class="is-${one.state}" data-check=${one.name}><${Shape} of=${one.state} />
      <div><b>${NAMES[one.name] || one.name}</b> <span class="unseen">${WORDS[one.state] || one.state}: </span><small>${one.text}</small></div></li>`)}</ul><//><//>`;
}
