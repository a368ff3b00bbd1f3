"""`python -m backfill.examples.service`: starts the service on this machine and prints its URL."""

import asyncio
import signal
from typing import Any

import click

from backfill import door
from backfill.console import reporting
from backfill.errors import UsageError
from backfill.examples import extras
from backfill.examples.service.misbehaviour import LIES, Misbehaviour
from backfill.invocation import Call

SHARE = click.FloatRange(0, 1)


@click.command(cls=Call, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any that is free.")
@click.option("--rate", type=click.IntRange(min=1), default=20, show_default=True, help="Calls in any second.")
@click.option("--ban-after", type=click.IntRange(min=1), default=20, show_default=True, help="Refusals in a row.")
@click.option("--ban-seconds", type=click.FloatRange(min=0), default=10, show_default=True, help="How long a ban is.")
@click.option("--slow", type=SHARE, default=0, help="Share of calls answered late.")
@click.option("--slow-seconds", type=click.FloatRange(0, 3600), default=5, show_default=True, help="How late.")
@click.option("--error", type=SHARE, default=0, help="Share of calls answered 500.")
@click.option("--garbage", type=SHARE, default=0, help="Share of calls answered with what is no JSON.")
@click.option("--cut", type=SHARE, default=0, help="Share of answers that break off in the middle.")
@click.option("--lie", type=SHARE, default=0, help="Share of refusals whose Retry-After is none.")
@click.option("--lies", type=click.Choice(LIES), multiple=True, default=LIES, help="Which; repeat it.  [default: all]")
@click.option("--seed", default=1, show_default=True, help="The same seed misbehaves the same.")
def main(port: int, rate: int, ban_after: int, ban_seconds: float, **misbehaviour: Any) -> None:
    """Serve prices, generation and classes over HTTP, within a limit; GET /counts tells what was seen."""
    with reporting():
        extras.need("examples")
        from backfill.examples.service.server import Service, serving

        service = Service(
            rate=rate,
            ban_after=ban_after,
            ban_seconds=ban_seconds,
            misbehaviour=Misbehaviour.model_validate(misbehaviour),
        )

        async def serve() -> None:
            loop, stopping = asyncio.get_running_loop(), asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stopping.set)
            try:
                async with serving(service, port) as url:
                    door.line(url)
                    await stopping.wait()
            except OSError as error:
                raise UsageError(f"cannot serve on port {port}: {error.strerror}; give another --port") from error

        asyncio.run(serve())
