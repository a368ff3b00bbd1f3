// What waits in RabbitMQ, over the last hour.

import { html } from "../compat.js";
import { usePolled } from "../feed.js";
import { Empty, Notice, Panel, Part, Table } from "../parts.js";
import { Spark } from "../spark.js";
import { count, shown } from "../words.js";

const sum = (counts) => Object.values(counts || {}).reduce((all, n) => all + (n || 0), 0);
const known = (counts) => (counts && Object.keys(counts).length ? count(sum(counts)) : "-");

export function Queues({ depths }) {
  const queues = usePolled(["queues"], {}, 10);
  const hours = new Map(depths.map((one) => [one.backfill, one.minutes]));
  const columns = [
    ["Backfill", (one) => one.backfill],
    ["Last hour", (one) => html`<${Spark} label=${`Messages of ${one.backfill} that waited, last hour`} points=${depth(hours.get(one.backfill) || one.minutes)} />`],
    ["Ready", (one) => known(one.ready), "number"],
    ["Unacked", (one) => count(one.unacknowledged), "number"],
    ["Consumers", (one) => known(one.consumers), "number"],
    ["Delayed", (one) => known(one.delayed), "number"],
    ["Dead", (one) => (one.dead ? html`<a href="#/dead"><b class="bad">${count(one.dead)}</b></a>` : count(one.dead)), "number"],
  ];
  return html`<${Panel} title="Queues" aside=${queues.data && `told by ${queues.data.from === "management" ? "the management API" : "AMQP"}`}>
    <${Part} of=${queues}>
      ${queues.data?.error && html`<${Notice}>${shown(queues.data.error)}<//>`}
      ${queues.data?.items.length ? html`<${Table} label="Queues" columns=${columns} rows=${queues.data.items} keyed=${(one) => one.backfill} />`
        : html`<${Empty}>No backfill has had a job or a worker yet.<//>`}
    <//><//>`;
}

const depth = (minutes) => (minutes || []).map((one) => (one.ready || 0) + (one.unacknowledged || 0));
