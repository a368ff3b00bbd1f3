// Small pieces that every view is made of.

import { html, useEffect, useId, useRef, useState } from "./compat.js";
import { useNow } from "./pulse.js";
import { Shape } from "./state.js";
import { ago, time } from "./words.js";

export function Panel({ title, id, aside, children, wide }) {
  const own = useId(id);
  return html`<section class="panel ${wide ? "wide" : ""}" aria-labelledby=${own}>
    <header><h2 id=${own}>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>
    ${children}
  </section>`;
}

/** Something that went wrong, with what to do next where the server says so. */
export function Trouble({ problem, again }) {
  if (!problem) return null;
  return html`<div class="notice is-failed" role="alert">
    <${Shape} of="failed" />
    <div>
      <strong>${problem.title}</strong>${problem.message !== problem.title && html` <span>${problem.message}</span>`}
      ${problem.allowed?.length > 0 && html` <span>Possible now: ${problem.allowed.join(", ")}.</span>`}
    </div>
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
  </div>`;
}

export const Notice = ({ of = "warning", children }) => html`<div class="notice is-${of}"><${Shape} of=${of} /><div>${children}</div></div>`;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** A part that is being read for the first time, or could not be. */
export function Part({ of, again, children }) {
  if (of.data) return html`${of.problem && html`<p class="old">${`As of ${time(of.heardAt)}: ${of.problem.message}`}</p>`}${children}`;
  if (of.problem) return html`<${Trouble} problem=${of.problem} again=${again || of.reload} />`;
  return html`<p class="empty">Reading …</p>`;
}

/** When something was, with the exact time in UTC behind it. */
export const When = ({ at, short }) => (at ? html`<time datetime=${at} title=${at}>${time(at, new Date(), short)}</time>` : "-");

/** How long ago something was, counting on. */
export function Age({ at }) {
  const now = useNow();
  return html`<time datetime=${at} title=${at}>${ago((now - new Date(at).getTime()) / 1000)}</time>`;
}

/** A table that can be scrolled sideways by keyboard; `columns` are [title, cell(row), class]. */
export function Table({ label, columns, rows, keyed, marked }) {
  return html`<div class="scroll" role="group" aria-label=${label} tabindex="0">
    <table>
      <caption class="unseen">${label}</caption>
      <thead><tr>${columns.map(([title, , how]) => html`<th scope="col" class=${how}>${title}</th>`)}</tr></thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${keyed(row)} class=${marked?.(row) ? "marked" : ""}>
          ${columns.map(([, cell, how], n) => (n ? html`<td class=${how}>${cell(row)}</td>` : html`<th scope="row" class=${how}>${cell(row)}</th>`))}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** A field of a form under its name, with a hint; the child makes the control from `{id, aria-describedby}`. */
export function Field({ title, hint, broad, children }) {
  const id = useId();
  return html`<div class="field ${broad ? "broad" : ""}"><label for=${id}>${title}</label>
    ${children({ id, "aria-describedby": hint ? `${id}h` : undefined })}${hint && html`<small id=${`${id}h`}>${hint}</small>`}</div>`;
}

/** A command, and a button that copies it. */
export function Command({ text, children }) {
  const [said, say] = useState("");
  const code = useRef(null);
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => say(""), 3000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      getSelection().selectAllChildren(code.current); // without https there is no clipboard
      say("Selected: press Ctrl+C");
    }
  };
  return html`<div class="command">
    ${children && html`<span class="why">${children}</span>`}
    <code ref=${code}>${text}</code>
    <button type="button" class="small" onClick=${copy} aria-label=${`Copy ${text}`}>${said || "Copy"}</button>
    <span class="unseen" role="status">${said}</span>
  </div>`;
}

/** A bar of several parts, with its meaning in words. */
export function Bar({ label, parts, of, large }) {
  const all = of || 1;
  return html`<div class="bar ${large ? "large" : ""}" role="img" aria-label=${label}>
    ${parts.map(([kind, n]) => n > 0 && html`<span class="fill is-${kind}" style=${{ width: `${Math.min(100, (100 * n) / all)}%` }}></span>`)}
  </div>`;
}

export const Fact = ({ name, children, note }) => html`<div class="fact"><dt>${name}</dt><dd>${children}${note && html`<small>${note}</small>`}</dd></div>`;
