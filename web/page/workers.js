// Who works, and how to stop them.

import { html } from "./compat.js";
import { call } from "./calls.js";
import { useQuestion } from "./dialog.js";
import { usePolled } from "./feed.js";
import { Head } from "./frame.js";
import { Panel, Part } from "./parts.js";
import { say } from "./says.js";
import { useMay } from "./session.js";
import { WorkerTable } from "./worker_table.js";

export function Workers() {
  const workers = usePolled(["workers"], {}, 2);
  const may = useMay();
  const [question, ask] = useQuestion();
  const items = workers.data?.items || [];
  const stop = (one) => ask({
    title: `Stop worker ${one.host}:${one.pid}?`,
    verb: "Stop it",
    isDangerous: true,
    act: async () => {
      const done = await call("POST", ["workers", one.id, "stop"], { body: {} });
      say(done.text);
      workers.reload();
    },
    children: html`<p>It finishes what it has in hand, gives back the rest and ends. Nothing is lost. A supervisor that restarts on exit code 0 starts it again.</p>`,
  });
  const more = may ? [[html`<span class="unseen">Stop</span>`, (one) => one.state === "running"
    && html`<button type="button" class="small" onClick=${() => stop(one)} aria-label=${`Stop worker ${one.host}:${one.pid}`}>Stop</button>`]] : [];
  return html`<${Head} title="Workers" feed=${{ ...workers, isLive: !workers.problem }} />
    <${Panel} title=${`${items.filter((one) => one.state !== "gone").length} live`} wide>
      <${Part} of=${workers}><${WorkerTable} items=${items} more=${more} /><//><//>${question}`;
}
