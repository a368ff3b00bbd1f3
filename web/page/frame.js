// What stands around every view: where one is, who one is, and how old the numbers are.

import { html, useEffect, useLayoutEffect, useRef } from "./compat.js";
import { turn, useNow, usePulse } from "./pulse.js";
import { Says, speak } from "./says.js";
import { useSession } from "./session.js";
import { Shape } from "./state.js";
import { ago, time } from "./words.js";

const STALE = 11_000; // the server says something every 5 s, also when nothing has changed
let hasShown = false;

export function Frame({ view, children }) {
  const session = useSession();
  const links = [["overview", "#/", "Overview"], ["start", "#/start", "Start"], ["workers", "#/workers", "Workers"], ["dead", "#/dead", "Dead"], ["monitor", "#/monitor", "Monitor"]];
  return html`<a class="skip" href="#main" onClick=${(e) => (e.preventDefault(), document.querySelector("main h1")?.focus())}>Skip to content</a>
    <header class="top">
      <a class="brand" href="#/"><img src="assets/icon.svg" alt="" width="20" height="20" />backfill</a>
      <nav aria-label="Views"><ul>
        ${links.filter(([name]) => (name !== "start" || session.role === "operate") && (name !== "monitor" || session.has_monitor)).map(([name, href, title]) =>
          html`<li key=${name}><a href=${href} aria-current=${name === view || (name === "overview" && view === "job") ? "page" : undefined}>${title}</a></li>`)}
      </ul></nav>
      <div class="who">
        <span title="Tenant">${session.tenant}</span>
        <span class="role">${session.name} (${session.role})</span>
        ${session.name !== "local" && html`<button type="button" class="small" onClick=${session.leave}>Sign out</button>`}
      </div>
    </header>
    <${Says} />
    <main id="main" class="view-${view}">${children}</main>`;
}

/** The head of a view: its name, its freshness, its buttons. Takes the focus when it first comes. */
export function Head({ title, feed, children, above, state }) {
  const heading = useRef(null);
  useLayoutEffect(() => {
    // Whoever came by a link is told where they are now; who has just opened the page begins at its top.
    if (hasShown && !document.activeElement?.closest("dialog")) heading.current.focus({ preventScroll: true });
    if (hasShown) scrollTo(0, 0);
    hasShown = true;
  }, []);
  useEffect(() => {
    document.title = `${title} · backfill`;
  }, [title]);
  return html`<div class="head">
    <div class="titles">${above}<h1 tabindex="-1" ref=${heading}>${title}</h1>${state}</div>
    <div>${children}</div>
    ${feed && html`<${Freshness} feed=${feed} />`}
  </div>`;
}

/** How old what is shown is, and the switch that stops it from changing. */
function Freshness({ feed }) {
  const now = useNow();
  const { isOn, isListening } = usePulse();
  const seconds = feed.heardAt ? Math.max(0, (now - feed.heardAt) / 1000) : null;
  const isStale = feed.heardAt > 0 && !feed.isEnded && isListening && (!feed.isLive || now - feed.heardAt > (feed.staleAfter || STALE));
  const was = useRef(false);
  useEffect(() => {
    if (isStale !== was.current) speak(isStale ? "The numbers are old: no connection to the server." : "The numbers are up to date again.");
    was.current = isStale;
    document.body.classList.toggle("is-stale", isStale);
    return () => document.body.classList.remove("is-stale");
  }, [isStale]);

  const at = feed.heardAt ? time(new Date(feed.heardAt).toISOString()) : "";
  const [kind, text] = !feed.heardAt ? ["pending", feed.problem ? "Not read yet" : "Reading …"]
    : !isOn ? ["paused", `Stopped: read ${at}, ${ago(seconds)}`]
    : isStale ? ["failed", `Stale: read ${at}, ${ago(seconds)}`]
    : feed.isEnded ? ["completed", `Final: read ${at}`]
    : ["running", `Live: read ${at}`];
  return html`<div class="freshness">
      <span class="state is-${kind}" data-freshness=${kind}><${Shape} of=${kind} />${text}</span>
      <button type="button" role="switch" aria-checked=${String(isOn)} class="switch" onClick=${() => turn(!isOn)}><i aria-hidden="true"></i>Live updates</button>
    </div>
    ${isStale && feed.data && html`<div class="notice is-failed stale"><${Shape} of="warning" /><div>
      <strong>These numbers are ${ago(seconds).replace(" ago", "")} old.</strong> ${feed.problem?.message || feed.why || "The server has sent nothing."} Trying again.</div></div>`}`;
}
