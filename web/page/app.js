// The page: one view at a time, by the address.

import { Component, html, render } from "./compat.js";
import { Dead } from "./dead.js";
import { Frame, Head } from "./frame.js";
import { Job } from "./job/job.js";
import { Monitors } from "./monitor/list.js";
import { Monitored } from "./monitor/report.js";
import { Overview } from "./overview/overview.js";
import { useRoute } from "./routes.js";
import { Session } from "./session.js";
import { Start } from "./start/start.js";
import { Workers } from "./workers.js";

function Page() {
  const route = useRoute();
  const views = {
    overview: () => html`<${Overview} key="overview" />`,
    job: () => html`<${Job} key=${route.job} id=${route.job} />`,
    start: () => html`<${Start} key="start" given=${route.given} />`,
    workers: () => html`<${Workers} key="workers" />`,
    dead: () => html`<${Dead} key="dead" />`,
    monitor: () => (route.name ? html`<${Monitored} key=${route.name} name=${route.name} />` : html`<${Monitors} key="monitor" />`),
    unknown: () => html`<${Unknown} key="unknown" />`,
  };
  return html`<${Session}><${Frame} view=${route.view}><${Safe} key=${route.view + (route.job || route.name || "")}>${views[route.view]()}<//><//><//>`;
}

const Unknown = () => html`<${Head} title="No such view" /><p>Go on with the <a href="#/">overview</a>.</p>`;

/** A view that breaks says so, and leaves the rest of the page alone. */
class Safe extends Component {
  state = { error: null };

  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }

  render({ children }, { error }) {
    if (!error) return children;
    return html`<h1 tabindex="-1">This view cannot be shown</h1>
      <p>The server sent what this page does not understand: ${String(error.message)}. Load the page again; if that does not help, server and page are of different versions.</p>`;
  }
}

render(html`<${Page} />`, document.querySelector("#app"));
