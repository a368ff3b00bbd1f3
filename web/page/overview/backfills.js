// The backfills of the app: how much has a value, and when one last succeeded.

import { html } from "../compat.js";
import { usePolled } from "../feed.js";
import { Age, Bar, Empty, Panel, Part, Table } from "../parts.js";
import { to } from "../routes.js";
import { useMay } from "../session.js";
import { brief, percent } from "../words.js";

export function Backfills({ last }) {
  const found = usePolled(["backfills"], {}, 60);
  const may = useMay();
  const newest = new Map(last.map((one) => [one.backfill, one]));
  const columns = [
    ["Backfill", (one) => (may ? html`<a href=${`#/start?backfill=${encodeURIComponent(one.name)}`}>${one.name}</a>` : one.name)],
    ["Coverage", (one) => html`<${Covered} of=${one.coverage} />`, "grow"],
    ["Last success", (one) => {
      const success = newest.get(one.name) || one.last_success;
      return success ? html`<a href=${to("jobs", success.job)}><code>${brief(success.job)}</code></a> <${Age} at=${success.completed_at} />` : "never";
    }],
  ];
  return html`<${Panel} title="Backfills"><${Part} of=${found}>
    ${found.data?.items.length ? html`<${Table} label="Backfills" columns=${columns} rows=${found.data.items} keyed=${(one) => one.name} />`
      : html`<${Empty}>${found.data?.why_none || "The app has no backfill."}<//>`}<//><//>`;
}

function Covered({ of }) {
  if (!of || !of.in_scope) return "not counted";
  const text = `${of.is_estimate ? "about " : ""}${percent(of.covered, of.in_scope)}`;
  return html`<${Bar} label=${`Coverage ${text}`} parts=${[["updated", of.covered]]} of=${of.in_scope} /><small>${text}</small>`;
}
