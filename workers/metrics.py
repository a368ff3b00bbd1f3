"""What a worker tells Prometheus: its own counts, as they are at the moment of the scrape."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import accumulate
from typing import Final

from backfill import exposition
from backfill.exposition import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from backfill.publisher import Publisher
from backfill.states import OUTCOMES
from backfill.workers.durations import BOUNDS
from backfill.workers.links.intake import Intake
from backfill.workers.stats import Stats
from backfill.workers.upkeep.reconciler import Reconciler

REASONS: Final = ("lease_expired", "republished")


def serving(
    host: str, port: int, stats: Stats, intake: Intake, publisher: Publisher, reconciler: Reconciler
) -> AbstractContextManager[str]:
    """Answer scrapes for the length of the block, also while a computation holds the event loop; gives the URL."""
    return exposition.serving(lambda: collect(stats, intake, publisher, reconciler), host, port)


def collect(stats: Stats, intake: Intake, publisher: Publisher, reconciler: Reconciler) -> Iterator[Metric]:
    """Every count at zero from the start: a counter that appears late hides its first increase."""
    yield from _partitions(stats)
    records = CounterMetricFamily(
        "backfill_records", "Records whose outcome this worker has committed.", labels=["outcome"]
    )
    for outcome in OUTCOMES:
        records.add_metric([outcome], getattr(stats, outcome))
    yield records
    reconciled = CounterMetricFamily(
        "backfill_reconciled", "Partitions that this worker brought back, as leader.", labels=["reason"]
    )
    for reason, count in (dict.fromkeys(REASONS, 0) | dict(reconciler.reconciled)).items():
        reconciled.add_metric([reason], count)
    yield reconciled
    yield GaugeMetricFamily(
        "backfill_held", "Partitions in hand that wait for a lock that another session holds.", value=stats.held
    )
    for name, value, meaning in (
        ("backfill_retries", stats.put_back, "Records put back for a later attempt."),
        ("backfill_redeliveries", intake.redelivered, "Deliveries that the broker had made before."),
        ("backfill_duplicates", stats.duplicates, "Deliveries that found nothing to claim."),
        ("backfill_fenced", stats.fenced, "Partitions lost to a later claim."),
        ("backfill_calls", stats.calls, "Calls made to services within a limit."),
        ("backfill_calls_refused", stats.refused, "Of those, the ones that the service refused."),
        ("backfill_dead", stats.dead, "Messages put into the dead queue."),
        (
            "backfill_dead_dropped",
            reconciler.dropping.count,
            "The oldest messages of dead queues, dropped by this worker, as leader, where there were too many.",
        ),
        (
            "backfill_expired",
            reconciler.expired.count,
            "Messages that a policy let expire in a work queue, taken out of the dead queue.",
        ),
        (
            "backfill_unpublished",
            reconciler.republisher.unpublished,
            "Failures to publish one partition again; not for a lost broker.",
        ),
    ):
        yield CounterMetricFamily(name, meaning, value=value)
    yield GaugeMetricFamily(
        "backfill_broker_blocked",
        "1 while an alarm for memory or disk keeps RabbitMQ from taking this worker's messages.",
        value=float(publisher.is_blocked),
    )


def _partitions(stats: Stats) -> Iterator[Metric]:
    """The histogram, and the counts that it holds already, under the name that alerts use."""
    durations = HistogramMetricFamily(
        "backfill_partition_duration_seconds", "From claim to end of a partition, by how it ended.", labels=["status"]
    )
    ended = CounterMetricFamily(
        "backfill_partition_completion", "Partitions that this worker has ended.", labels=["status"]
    )
    for status, measured in stats.ended.items():
        counts = list(accumulate(measured.buckets))
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        durations.add_metric([status], list(zip(bounds, counts, strict=True)), sum_value=measured.seconds)
        ended.add_metric([status], counts[-1])
    yield durations
    yield ended
