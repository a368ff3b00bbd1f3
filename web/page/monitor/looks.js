// What the monitor's views share: looks that are as old as the server says, and levels.

import { html } from "../compat.js";
import { usePolled } from "../feed.js";
import { Shape } from "../state.js";

const SECONDS = 30; // the server looks no more often
const STALE = 120_000; // so long a look may take, and the one before be shown
const KINDS = { ok: "completed", warning: "warning", critical: "failed", unknown: "pending" };

export const kindOf = (level) => KINDS[level] || "pending";

/** A sign and, for who does not see it, a word. */
export const Level = ({ of }) => html`<span class="level is-${kindOf(of)}"><${Shape} of=${kindOf(of)} /><span class="unseen">${`${of}: `}</span></span>`;

/** A part of the API that has looks in it, for the head of a view: of several the oldest counts. */
export function useLooks(parts) {
  const feed = usePolled(parts, {}, SECONDS);
  const ages = (feed.data?.items || [feed.data]).map((one) => one?.age_seconds ?? 0);
  const heardAt = feed.heardAt && feed.heardAt - 1000 * Math.max(0, ...ages);
  return { ...feed, heardAt, isLive: !feed.problem, staleAfter: STALE, why: "The server has not looked again since." };
}
