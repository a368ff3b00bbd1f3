// Every backfill that the server's monitor watches, with what is to be said of it first.

import { html } from "../compat.js";
import { Head } from "../frame.js";
import { Age, Empty, Panel, Part, Table } from "../parts.js";
import { to } from "../routes.js";
import { State } from "../state.js";
import { Level, useLooks } from "./looks.js";

const COLUMNS = [
  ["Backfill", (one) => html`<a class="job" href=${to("monitor", one.name)}>${one.title}</a> <small>${one.name}</small>`],
  ["State", (one) => (one.state ? html`<${State} of=${one.state} />` : "not looked at yet")],
  ["Says", (one) => one.level && html`<${Level} of=${one.level} /> ${one.headline}`, "grow"],
  ["Looked at", (one) => (one.at ? html`<${Age} at=${one.at} />` : "-"), "number"],
];

export function Monitors() {
  const looks = useLooks(["monitor"]);
  const items = looks.data?.items || [];
  return html`<${Head} title="Monitor" feed=${looks} />
    <p class="lead">Backfills of any kind, ours or not, as <code>backfill monitor</code> sees them. The server looks at most every 30 seconds, and only while somebody is here.</p>
    <${Panel} title="Watched" wide><${Part} of=${looks}>
      ${items.length ? html`<${Table} label="Watched backfills" columns=${COLUMNS} rows=${items} keyed=${(one) => one.name} />`
        : html`<${Empty}>This server was given no profile. Start it with <code>backfill serve --monitor PROFILE</code>.<//>`}<//><//>`;
}
