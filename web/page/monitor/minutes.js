// What was done by minute, in whatever it is counted.

import { html } from "../compat.js";
import { Panel, Table, When } from "../parts.js";
import { count, time } from "../words.js";

const HEIGHT = 100;
const COLUMNS = [["Minute", (one) => html`<${When} at=${one.minute} short />`], ["Done", (one) => count(one.count), "number"]];

export function Minutes({ items }) {
  if (!items.length) return null;
  const most = Math.max(1, ...items.map((one) => one.count));
  const height = (one) => (HEIGHT * Math.max(0, one.count)) / most;
  const [first, last] = [items[0], items.at(-1)].map((one) => time(one.minute, new Date(), true));
  const mean = items.reduce((sum, one) => sum + one.count, 0) / items.length;
  return html`<${Panel} title="Throughput" aside="done by minute">
    <svg class="chart minutes" viewBox=${`0 0 ${items.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`From ${first} to ${last}: ${count(mean)} a minute, at most ${count(most)}. The table below has the numbers.`}>
      ${items.map((one, n) => html`<rect key=${one.minute} class="done" x=${n + 0.1} width="0.8" y=${HEIGHT - height(one)} height=${height(one)} />`)}</svg>
    <p class="ends"><span>${first}</span><span>${count(mean)} a minute, at most ${count(most)}</span><span>${last}</span></p>
    <details><summary>The same as a table</summary><${Table} label="Done by minute" rows=${[...items].reverse()} keyed=${(one) => one.minute} columns=${COLUMNS} /></details>
  <//>`;
}
