// Of what the monitor watches, what needs somebody: the overview says it, whoever looks after the jobs looks there.

import { html } from "../compat.js";
import { Panel } from "../parts.js";
import { to } from "../routes.js";
import { useSession } from "../session.js";
import { Level, useLooks } from "./looks.js";

/** Those that are not well, the worst first. */
export function useUnwell() {
  const looks = useLooks(useSession().has_monitor ? ["monitor"] : null);
  const found = (looks.data?.items || []).filter((one) => one.level && one.level !== "ok");
  return found.sort((one, other) => (other.level === "critical") - (one.level === "critical"));
}

export function Unwell({ items }) {
  if (!items.length) return null;
  return html`<${Panel} title=${`Watched: needs attention (${items.length})`} wide>
    <ul class="checklist">${items.map((one) => html`<li key=${one.name}><${Level} of=${one.level} />
      <div><a href=${to("monitor", one.name)}>${one.title}</a> ${one.headline}</div></li>`)}</ul><//>`;
}
