"""Print or serve measurements in the Prometheus text format; needs the extra `metrics`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler

from backfill.door import Troubles
from backfill.errors import UsageError
from backfill.texts import one_line

try:
    from prometheus_client import CollectorRegistry, generate_latest, start_http_server
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.registry import Collector
except ImportError as missing:
    raise UsageError("metrics need prometheus-client: pip install 'backfill-toolkit[metrics]'") from missing

if TYPE_CHECKING:
    from wsgiref.types import ErrorStream

__all__ = ["CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily", "Metric", "serving", "text"]

LOOPBACK: Final = "127.0.0.1"

Collect: TypeAlias = Callable[[], Iterable[Metric]]


class _Collector(Collector):
    """Asks anew at each scrape, so that nothing is counted twice."""

    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        for metric in self._collect():
            # Names of backfills come from the ledger; the format itself lets through all but the line's end.
            metric.samples = [
                one._replace(labels={name: one_line(value) for name, value in one.labels.items()})
                for one in metric.samples
            ]
            yield metric

    def describe(self) -> Iterable[Metric]:
        """Nothing: else the registry would measure once just to learn the names."""
        return ()


class _Handler(WSGIRequestHandler):
    """Says nothing of requests, and what goes wrong in one as everything that nobody has foreseen is said."""

    def log_message(self, *_: object) -> None:
        return None

    def get_stderr(self) -> "ErrorStream":
        return Troubles()


def text(collect: Collect) -> str:
    """What a scrape would get now."""
    return generate_latest(_registry(collect)).decode()


@contextmanager
def serving(collect: Collect, host: str, port: int) -> Iterator[str]:
    """Answer scrapes from a thread for the length of the block; gives the URL. Port 0 takes a free one."""
    try:
        server, thread = start_http_server(port, host, _registry(collect))
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot serve metrics on {host}:{port} ({error}); give another host or port") from error
    server.RequestHandlerClass = _Handler
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2)


def _registry(collect: Collect) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(collect))
    return registry
