// A line of one number over time, small enough for a cell.

import { html } from "./compat.js";
import { count } from "./words.js";

const [WIDTH, HEIGHT] = [120, 24];

export function Spark({ points, label }) {
  if (points.length < 2) return html`<span class="none">no data yet</span>`;
  const most = Math.max(...points, 1);
  const at = (n, i) => `${((i * WIDTH) / (points.length - 1)).toFixed(1)},${(HEIGHT - 2 - (n * (HEIGHT - 4)) / most).toFixed(1)}`;
  const line = points.map(at).join(" ");
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${`${label}: now ${count(points.at(-1))}, at most ${count(most)}`}>
    <polygon points="0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}" /><polyline points=${line} /></svg>`;
}
