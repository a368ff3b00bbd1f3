"""`backfill-worker`: recompute what is queued."""

import gc
import os
import signal
from uuid import uuid4

import click

from backfill import __version__, application, log
from backfill.console import EXIT_CODES, app_option, log_format_option, read_settings, reporting, say
from backfill.errors import HaltedError
from backfill.eventloop import run
from backfill.invocation import SettingsCommand
from backfill.modes import Priority

STUCK = (
    "A record is still being computed in a thread, which nothing can end: this worker ends with exit code 70. What it "
    "had in hand was given back. Correct the definition, or let it compute in processes."
)


@click.command(
    cls=SettingsCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES
    + """

\b
Examples:
  backfill-worker
  backfill-worker killmail_values --concurrency=4 --stats-interval=20000
  backfill-worker --burst --max-records=100000     (a cron job's slice)""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--prefetch",
    type=click.IntRange(1, 200),
    help="Partitions held unacknowledged, a queue.  [default: concurrency + 2]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=3,
    show_default=True,
    help="Partitions worked on at once.",
)
@click.option(
    "--stats-interval",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Print a line every so many records.",
)
@click.option("--burst", is_flag=True, help="End when nothing is left that could be claimed.")
@click.option("--max-records", type=click.IntRange(min=1), help="End after exactly so many records.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve Prometheus metrics; 0 takes a free port and prints it.  [env var: BACKFILL_METRICS_PORT]",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Where to serve them.")
@log_format_option
@app_option
@click.version_option(__version__, package_name="backfill-toolkit")
def main(
    names: tuple[str, ...],
    prefetch: int | None,
    concurrency: int,
    stats_interval: int,
    burst: bool,
    max_records: int | None,
    metrics_port: int | None,
    metrics_host: str,
    log_format: str | None,
    app: str | None,
) -> None:
    """Recompute the queued partitions of backfills NAME…, or of all in the app.

    Start as many as you like. SIGTERM and SIGINT finish the partitions in hand, give back the rest and exit 0; a
    second signal ends at once and loses nothing.
    """
    with reporting():
        from backfill.topology import Topology
        from backfill.workers import signals
        from backfill.workers.keeper import EXIT_STUCK
        from backfill.workers.worker import Options, Worker

        settings = read_settings(app=app, metrics_port=metrics_port, log_format=log_format)
        identity = uuid4()
        log.use(settings.log, settings.log_format, identity)
        definitions = application.load(settings.app)
        if names:
            definitions = {name: application.pick(definitions, name) for name in names}
        metrics = None if settings.metrics_port is None else (metrics_host, settings.metrics_port)
        options = Options(prefetch or concurrency + 2, concurrency, stats_interval, burst, max_records, metrics)

        async def work() -> None:
            worker = Worker(settings, definitions, options, say, identity)
            settings.need_broker()
            signals.obey(worker.stop, say)
            for name in definitions:
                topology = Topology(name, settings.tenant)
                say(
                    f"Queue: {topology.queue(Priority.NORMAL)} "
                    f"(and {topology.queue(Priority.HIGH)}, {topology.queue(Priority.LOW)})"
                )
            say(f"Prefetch: {options.prefetch} | Concurrency: {concurrency} | Stats every {stats_interval:,} records")
            with signals.interrupting(worker.lookout):
                await worker.run()
            say(worker.stats.summary())
            if worker.is_stuck:
                log.warn(say, STUCK)
                os._exit(EXIT_STUCK)
            if worker.halted:
                raise HaltedError(worker.halted)

        # What is loaded stays, and a partition's records live for milliseconds: walking either finds nothing.
        gc.freeze()
        gc.set_threshold(50_000)
        run(work())
        # A signal that comes while the interpreter ends must not make a clean exit look like a kill.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
