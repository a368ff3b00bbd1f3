// States as a shape, a word and a colour: never by colour alone.

import { html } from "./vendor/htm-preact.js";

const SHAPES = {
  pending: html`<circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.6" />`,
  running: html`<path d="M3 1.6 10.4 6 3 10.4z" />`,
  paused: html`<path d="M2.5 2h2.6v8H2.5zM6.9 2h2.6v8H6.9z" />`,
  resuming: html`<path d="M2 2h2v8H2zM5.4 1.8 11 6l-5.6 4.2z" />`,
  completed: html`<path d="m1.8 6.4 2.9 2.9 5.5-6.2" fill="none" stroke="currentColor" stroke-width="2" />`,
  failed: html`<path d="m2.4 2.4 7.2 7.2m0-7.2-7.2 7.2" fill="none" stroke="currentColor" stroke-width="2.2" />`,
  cancelled: html`<circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.5" />
    <path d="m3.2 8.8 5.6-5.6" stroke="currentColor" stroke-width="1.5" />`,
  skipped: html`<path d="M2 2.4 7 6 2 9.6zM7.6 2.2h1.9v7.6H7.6z" />`,
  held: html`<path d="M3.4 5.4h5.2v4.4H3.4zM4.4 5V3.6a1.6 1.6 0 0 1 3.2 0V5" fill="none" stroke="currentColor" stroke-width="1.5" />`,
  warning: html`<path d="M6 1.2 11.3 10.6H.7z" fill="none" stroke="currentColor" stroke-width="1.4" />
    <path d="M6 4.4v3M6 8.4v1" stroke="currentColor" stroke-width="1.4" />`,
};
const LIKE = { yes: "completed", no: "failed", waiting: "pending", gone: "failed", stopping: "paused", up: "completed", down: "failed", finished: "completed", slow: "warning", stuck: "warning", dead: "failed" };

export const Shape = ({ of }) => html`<svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
  ${SHAPES[of] || SHAPES[LIKE[of]] || SHAPES.pending}
</svg>`;

export const kind = (state) => (SHAPES[state] ? state : LIKE[state] || "pending");

export const State = ({ of, children }) => html`<span class="state is-${kind(of)}"><${Shape} of=${of} />${children || String(of)}</span>`;
