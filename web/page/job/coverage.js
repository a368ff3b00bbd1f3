// How much of the table has a value: before, now, and once the job is done.

import { html } from "../compat.js";
import { Bar, Empty, Panel } from "../parts.js";
import { count, percent } from "../words.js";

export function Coverage({ job }) {
  const found = job.coverage;
  const about = found?.is_estimate ? "about " : "";
  return html`<${Panel} title="Coverage" aside=${found && `of ${about}${count(found.in_scope)} records`}>
    ${found ? html`<dl class="coverage">${["before", "now", "projected"].map((when) => html`
      <div key=${when}><dt>${when}</dt><dd><strong data-coverage=${when}>${about}${percent(found[when], found.in_scope)}</strong>
        <${Bar} label=${`${when}: ${percent(found[when], found.in_scope)}`} parts=${[[when === "projected" ? "projected" : "updated", found[when]]]} of=${found.in_scope} />
        <small>${count(found[when])} have a value</small></dd></div>`)}</dl>` : html`<${Empty}>It was not counted when the job was opened.<//>`}
  <//>`;
}
