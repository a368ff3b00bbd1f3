"""Jobs, backfills and queues as Prometheus gauges; labels are names of backfills, queues and states, never ids."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aio_pika.abc import AbstractConnection

from backfill.broker import QueueState, inspect
from backfill.exposition import CounterMetricFamily, GaugeMetricFamily, Metric
from backfill.ledger.measures import Measures
from backfill.modes import Priority
from backfill.settings import Settings
from backfill.topology import Topology, milliseconds


@dataclass(frozen=True)
class Reading:
    """The ledger and the queues at one moment."""

    measures: Measures | None  # None: the ledger could not be read
    is_broker_up: bool | None = None  # None: not asked
    queues: dict[str, QueueState] = field(default_factory=dict)
    work_queues: frozenset[str] = frozenset()


async def with_queues(connection: AbstractConnection, settings: Settings, measures: Measures) -> Reading:
    """The reading with the queues of its backfills; raises BrokerLostError."""
    topologies = [Topology(row["asset_name"], settings.tenant) for row in measures.backfills]
    work = frozenset(topology.queue(priority) for topology in topologies for priority in Priority)
    delays = sorted({milliseconds(seconds) for seconds in settings.retry_delays})
    others = [
        name
        for topology in topologies
        for name in (topology.dead_queue, *(topology.delay_queue(delay) for delay in delays))
    ]
    found = {name: await inspect(connection, name) for name in (*sorted(work), *others)}
    return Reading(measures, True, {name: state for name, state in found.items() if state}, work)


def families(reading: Reading) -> Iterator[Metric]:
    """The reading as metrics; what could not be reached has none, except that it is down."""
    up = _gauge("backfill_service_up", "Whether it could be read for this scrape.", "service")
    up.add_metric(["postgresql"], float(reading.measures is not None))
    if reading.measures is None:
        yield up
        return
    if reading.is_broker_up is not None:
        up.add_metric(["rabbitmq"], float(reading.is_broker_up))
    yield up
    yield from _jobs(reading.measures)
    yield from _backfills(reading.measures)
    yield from _heartbeats(reading.measures)
    yield from _limits(reading.measures)
    if reading.queues:
        yield from _queues(reading.queues, reading.work_queues)


def _jobs(measures: Measures) -> Iterator[Metric]:
    jobs = _gauge("backfill_jobs_active", "Jobs that have not ended.", "state")
    for state, count in measures.states.items():
        jobs.add_metric([state], count)
    yield jobs


def _backfills(measures: Measures) -> Iterator[Metric]:
    rows = measures.backfills
    for name, column, meaning in (
        ("backfill_job_running_seconds", "running_seconds", "Since the start of the job that runs for longest."),
        ("backfill_sla_seconds_left", "sla_seconds", "Until the nearest deadline of an active job; negative after it."),
    ):
        yield _by_backfill(name, meaning, ((row["asset_name"], row[column]) for row in rows))
    for name, column, meaning in (
        ("backfill_pause_duration_seconds", "pause_seconds", "Since the oldest pause still in force; 0 without one."),
        ("backfill_partitions_held", "held", "Partitions that wait for another session's lock, or for a limit."),
        ("backfill_held_seconds", "held_seconds", "Since the one of them that has waited for longest; 0 without one."),
        ("backfill_sla_at_risk", "sla_at_risk", "Active jobs that may end after their deadline."),
        ("backfill_sla_breached", "sla_breached", "Active jobs whose deadline has passed."),
        ("backfill_records_matched", "matched", "Records of active jobs."),
        ("backfill_records_done", "done", "Of those, the ones whose outcome is known."),
    ):
        yield _by_backfill(name, meaning, ((row["asset_name"], row[column] or 0) for row in rows))
    yield _eta(measures)
    alive = {row["asset_name"]: row["alive"] for row in measures.workers}
    names = [row["asset_name"] for row in rows]
    yield _by_backfill(
        "backfill_workers", "Workers whose heartbeat is fresh.", ((name, alive.get(name, 0)) for name in names)
    )


def _eta(measures: Measures) -> Metric:
    """0.1 if all goes well, 0.5 expected, 0.9 if it goes ill, which is left out where that has no end in sight.

    A summary, because nothing else may have quantiles.
    """
    eta = Metric("backfill_eta_distribution_seconds", "Until the last active job ends.", "summary")
    for row in measures.backfills:
        for quantile, column in (("0.1", "earliest"), ("0.5", "estimated"), ("0.9", "latest")):
            seconds = row[f"{column}_seconds"]
            if seconds is not None:
                labels = {"backfill": row["asset_name"], "quantile": quantile}
                eta.add_sample(eta.name, labels, max(0.0, seconds))
    return eta


def _heartbeats(measures: Measures) -> Iterator[Metric]:
    """Of jobs the oldest heartbeat counts, one that is stuck; of workers the newest, none being left."""
    ages = _gauge("backfill_heartbeat_age_seconds", "Since the last sign of life.", "kind", "backfill")
    for kind, rows in (("job", measures.backfills), ("worker", measures.workers)):
        for row in rows:
            if row["heartbeat_seconds"] is not None:
                ages.add_metric([kind, row["asset_name"]], row["heartbeat_seconds"])
    yield ages


def _limits(measures: Measures) -> Iterator[Metric]:
    """By the limit's name, which several backfills may share."""
    rows = measures.limits
    for name, column, meaning in (
        ("backfill_limit_rate", "rate", "Calls a second, as the definition says."),
        ("backfill_limit_allowed_rate", "allowed_rate", "Calls a second that are allowed now."),
        ("backfill_limit_held_seconds", "held_seconds", "Until calls are made again that a service has refused."),
    ):
        family = _gauge(name, meaning, "limit")
        for row in rows:
            if row[column] is not None:
                family.add_metric([row["name"]], row[column])
        yield family
    for name, column, meaning in (
        ("backfill_limit_calls", "calls", "Calls made, by all workers ever."),
        ("backfill_limit_refusals", "refusals", "Of those, the ones that the service refused."),
    ):
        counter = CounterMetricFamily(name, meaning, labels=["limit"])
        for row in rows:
            counter.add_metric([row["name"]], row[column])
        yield counter


def _queues(queues: dict[str, QueueState], work_queues: frozenset[str]) -> Iterator[Metric]:
    depth = _gauge("backfill_queue_depth", "Messages ready.", "queue")
    consumers = _gauge("backfill_queue_consumers", "Consumers of a work queue.", "queue")
    for name, state in queues.items():
        depth.add_metric([name], state.ready)
        if name in work_queues:  # nobody consumes the others, and nobody should
            consumers.add_metric([name], state.consumers)
    yield depth
    yield consumers


def _by_backfill(name: str, meaning: str, values: Iterable[tuple[str, float | None]]) -> GaugeMetricFamily:
    family = _gauge(name, meaning, "backfill")
    for backfill, value in values:
        if value is not None:
            family.add_metric([backfill], value)
    return family


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)
