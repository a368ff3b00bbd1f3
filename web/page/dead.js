// What lies in the dead queues, and what to do about it.

import { html, useState } from "./compat.js";
import { usePolled } from "./feed.js";
import { Head } from "./frame.js";
import { Command, Empty, Panel, Part, Table, When } from "./parts.js";
import { to } from "./routes.js";
import { brief, bytes, counted } from "./words.js";

const COLUMNS = [
  ["Message", (one) => html`<code>${brief(one.id)}</code>`],
  ["Backfill", (one) => one.backfill],
  ["Job", (one) => (one.job ? html`<a href=${to("jobs", one.job)}><code>${brief(one.job)}</code></a>` : "-")],
  ["Partition", (one) => one.partition || "-"],
  ["Why", (one) => one.why, "grow"],
  ["Since", (one) => html`<${When} at=${one.since} />`],
  ["Size", (one) => bytes(one.size), "number"],
];

export function Dead() {
  const [backfill, setBackfill] = useState("");
  const messages = usePolled(["dead"], { backfill });
  const backfills = usePolled(["backfills"]);
  const items = messages.data?.items || [];
  return html`<${Head} title="Dead messages"><button type="button" onClick=${messages.reload}>Look again</button><//>
    <p class="lead">A dead message is not lost work: the ledger lists the records of a partition that failed, and a retry in its job tries those again. Looking takes messages out of the queue for a moment, so this view does it only when asked.</p>
    <${Panel} title=${counted(items.length, "message")} wide aside=${html`<label>Backfill
        <select value=${backfill} onChange=${(e) => setBackfill(e.target.value)}><option value="">all</option>
          ${(backfills.data?.items || []).map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}</select></label>`}>
      <${Part} of=${messages}>${items.length ? html`<${Table} label="Dead messages" columns=${COLUMNS} rows=${items} keyed=${(one) => one.id + one.backfill} />`
        : html`<${Empty}>No dead messages.<//>`}<//>
    <//>
    <${Panel} title="Next" wide>
      <${Command} text="backfill dead list">Look at them in a shell.<//>
      <${Command} text="backfill dead redrive --all">Put all back into their work queues. Harmless for what is done.<//>
      <${Command} text="backfill dead purge --all">Throw them away; the ledger keeps what failed, and why.<//>
    <//>`;
}
