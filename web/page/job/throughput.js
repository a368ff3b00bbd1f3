// Records a minute over the last hour, with a mark where settings were changed.

import { html, useWidth } from "../compat.js";
import { Empty, Panel, Part, Table, When } from "../parts.js";
import { count, plain, rate, shown, time } from "../words.js";

const [HEIGHT, TOP, LEFT, BOTTOM] = [180, 18, 52, 20];
const MINUTE = 60_000;
const FEWEST = 20;

export function Throughput({ feed }) {
  const { items = [], changes = [] } = feed.data || {};
  const isEmpty = items.every((one) => !one.records);
  return html`<${Panel} title="Throughput" wide aside="records a second, by minute">
    <${Part} of=${feed}>
      ${isEmpty ? html`<${Empty}>No record has ended in the last hour.<//>` : html`<${Chart} items=${items} changes=${changes} />`}
      ${changes.length > 0 && html`<${Table} label="Changes of settings" rows=${changes.map((one, n) => ({ ...one, n: n + 1 }))} keyed=${(one) => one.n} columns=${CHANGES} />`}
      ${!isEmpty && html`<details><summary>The same as a table</summary>
        <${Table} label="Throughput by minute" rows=${[...items].reverse()} keyed=${(one) => one.minute} columns=${MINUTES} /></details>`}
    <//><//>`;
}

const CHANGES = [
  ["Mark", (one) => html`<b class="mark">${one.n}</b>`],
  ["At", (one) => html`<${When} at=${one.at} />`],
  ["Change", (one) => html`${plain(one.event)} <small>${Object.entries(one.details || {}).map(([name, value]) => `${plain(name)} ${shown(value)}`).join(", ")} by ${one.actor}</small>`, "grow"],
  ["Rate before", (one) => rate(one.rate_before), "number"],
  ["After", (one) => rate(one.rate_after), "number"],
  ["Difference", (one) => difference(one), "number"],
];

function difference({ rate_before: before, rate_after: after }) {
  if (!before || after === null || after === undefined) return "-";
  const share = Math.round((100 * (after - before)) / before);
  return share > 0 ? `▲ +${share} %` : share < 0 ? `▼ −${-share} %` : "the same";
}

const MINUTES = [
  ["Minute", (one) => html`<${When} at=${one.minute} short />`],
  ["Records", (one) => count(one.records), "number"],
  ["A second", (one) => rate(one.records_per_second), "number"],
  ["Updated", (one) => count(one.updated), "number"],
  ["Failed", (one) => count(one.failed), "number"],
  ["Partitions", (one) => count(one.partitions), "number"],
];

/** Never fewer minutes than make a picture: those before the job's first have nothing. */
function filled(items) {
  const first = new Date(items[0].minute).getTime();
  const before = Array.from({ length: Math.max(0, FEWEST - items.length) }, (_, n) => new Date(first - (n + 1) * MINUTE).toISOString()).reverse();
  return [...before.map((minute) => ({ minute, records: 0, failed: 0, records_per_second: 0 })), ...items];
}

function Chart({ items: known, changes }) {
  const items = filled(known);
  const [box, width] = useWidth(720);
  const most = nice(Math.max(...items.map((one) => one.records_per_second), 1));
  const start = new Date(items[0].minute).getTime();
  const wide = (width - LEFT) / items.length;
  const y = (n) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - n / most);
  const x = (at) => LEFT + ((new Date(at).getTime() - start) / MINUTE) * wide;
  const last = [...items].reverse().find((one) => one.records) || items.at(-1);
  const label = `From ${time(items[0].minute, new Date(), true)} to ${time(items.at(-1).minute, new Date(), true)}: at most ${rate(most)}, last ${rate(last.records_per_second)}. ${changes.length} changes of settings. The table below has the numbers.`;
  return html`<div ref=${box}><svg class="chart" viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${label}>
    ${[0, 0.5, 1].map((part) => html`<g key=${part}><line class="grid" x1=${LEFT} x2=${width} y1=${y(most * part)} y2=${y(most * part)} />
      <text x=${LEFT - 6} y=${y(most * part) + 4} text-anchor="end">${count(most * part)}</text></g>`)}
    ${items.map((one, n) => html`<${Minute} key=${one.minute} one=${one} left=${LEFT + n * wide} wide=${wide} y=${y} isNow=${n === items.length - 1} />`)}
    ${items.map((one, n) => n % (items.length > 30 ? 15 : 5) === 0 && html`<text key=${one.minute} x=${LEFT + n * wide} y=${HEIGHT - 5}>${time(one.minute, new Date(), true)}</text>`)}
    ${changes.map((one, n) => x(one.at) >= LEFT && html`<g key=${n} class="change"><line x1=${x(one.at)} x2=${x(one.at)} y1=${TOP - 4} y2=${HEIGHT - BOTTOM} />
      <circle cx=${x(one.at)} cy="9" r="8" /><text x=${x(one.at)} y="13" text-anchor="middle">${n + 1}</text></g>`)}
  </svg></div>`;
}

/** The minute that is not over yet is hollow: it still grows. */
function Minute({ one, left, wide, y, isNow }) {
  const failed = one.records ? (one.records_per_second * one.failed) / one.records : 0;
  const [top, foot] = [y(one.records_per_second), y(0)];
  return html`<g><title>${`${time(one.minute, new Date(), true)}: ${rate(one.records_per_second)}, ${count(one.records)} records, ${count(one.failed)} failed`}</title>
    <rect class=${isNow ? "now" : "done"} x=${left + 1} width=${Math.max(1, wide - 2)} y=${top} height=${foot - top} />
    ${failed > 0 && html`<rect class="failed" x=${left + 1} width=${Math.max(1, wide - 2)} y=${Math.min(y(failed), foot - 2)} height=${Math.max(2, foot - y(failed))} />`}</g>`;
}

/** The next number that is good to read. */
function nice(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 4, 5, 8, 10].find((one) => one * power >= n) * power;
}
