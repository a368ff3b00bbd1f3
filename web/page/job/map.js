// All partitions of a job at a glance: a cell is one, or as many as fit a share of the whole.

import { html, useRef, useState } from "../compat.js";
import { usePolled } from "../feed.js";
import { Empty, Panel, Part } from "../parts.js";
import { count, counted } from "../words.js";
import { Detail } from "./detail.js";

// Worst first: the letter of a cell is that of its worst.
const KINDS = [["failed", "F"], ["held", "H"], ["running", "R"], ["skipped", "S"], ["pending", ""], ["completed", ""]];
const number = (cell, kind) => (kind === "pending" ? Math.max(0, (cell.pending || 0) - (cell.held || 0)) : cell[kind] || 0);
const worst = (cell) => KINDS.find(([kind]) => number(cell, kind) > 0) || ["pending", ""];

const name = (cell) => (cell.first_key === cell.last_key ? `Partition ${cell.first_key}` : `Partitions ${cell.first_key} to ${cell.last_key}`);
const words = (cell) => KINDS.filter(([kind]) => number(cell, kind) > 0).map(([kind]) => `${count(number(cell, kind))} ${kind}`).join(", ");

export function PartitionMap({ job, seconds }) {
  const map = usePolled(["jobs", job.job, "map"], { bins: innerWidth < 640 ? 100 : 200 }, seconds);
  const [chosen, choose] = useState(null);
  const cells = map.data?.cells || [];
  const close = () => (choose(null), document.querySelector('.map [tabindex="0"]')?.focus());
  const each = cells.length ? Math.ceil((map.data.partitions || 0) / cells.length) : 0;
  return html`<${Panel} title="Partitions" wide aside=${cells.length > 0 && `${counted(map.data.partitions, "partition")}; a cell is ${each > 1 ? `about ${count(each)}` : "one"}`}>
    <${Part} of=${map}>
      ${cells.length ? html`<${Cells} cells=${cells} chosen=${chosen} choose=${choose} /><${Legend} />` : html`<${Empty}>Nothing is planned yet.<//>`}
    <//>
    ${chosen && html`<${Detail} key=${chosen.first_key} job=${job.job} cell=${cells.find((one) => one.first_key === chosen.first_key) || chosen} title=${name(chosen)} words=${words} close=${close} />`}
  <//>`;
}

/** One stop of the Tab key; arrows, Home and End move inside. */
function Cells({ cells, chosen, choose }) {
  const [at, setAt] = useState(0);
  const grid = useRef(null);
  const current = Math.min(at, cells.length - 1);
  const press = (event) => {
    const buttons = [...grid.current.querySelectorAll("button")];
    const [first, second] = buttons;
    const row = second ? Math.max(1, Math.round(grid.current.clientWidth / (second.offsetLeft - first.offsetLeft || 1))) : 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -cells.length, End: cells.length }[event.key];
    if (!step) return;
    event.preventDefault();
    // From where the focus is, and at once: a second key may come before the first is shown.
    const next = Math.min(cells.length - 1, Math.max(0, buttons.indexOf(document.activeElement) + step));
    buttons[next].focus();
    setAt(next);
  };
  return html`<div class="map" role="group" aria-label="Map of partitions; arrow keys move, Enter shows one" ref=${grid} onKeyDown=${press}>
    ${cells.map((cell, n) => html`<${Cell} key=${cell.first_key} cell=${cell} isCurrent=${n === current} isChosen=${chosen?.first_key === cell.first_key} show=${() => (setAt(n), choose(cell))} />`)}
  </div>`;
}

function Cell({ cell, isCurrent, isChosen, show }) {
  const [kind, letter] = worst(cell);
  const all = cell.partitions || 1;
  return html`<button type="button" class="cell is-${kind}" tabindex=${isCurrent ? 0 : -1} aria-pressed=${String(isChosen)} title=${`${name(cell)}: ${words(cell)}`}
    aria-label=${`${name(cell)}: ${words(cell)}`} style=${{ "--done": `${Math.round((100 * (number(cell, "completed") + number(cell, "skipped"))) / all)}%` }} onClick=${show}>${letter}</button>`;
}

const Legend = () => html`<ul class="legend" aria-label="What the cells mean">
  ${[["pending", "", "to do"], ["running", "R", "running"], ["completed", "", "completed"], ["skipped", "S", "skipped"], ["held", "H", "held"], ["failed", "F", "failed"]].map(
    ([kind, letter, title]) => html`<li key=${kind}><span class="cell is-${kind}" style=${{ "--done": kind === "completed" ? "100%" : "0%" }} aria-hidden="true">${letter}</span>${title}</li>`)}</ul>`;
