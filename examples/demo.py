"""What the demos of the examples have in common: a stage of their own, and commands given on it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backfill import door
from backfill.commands.stage import stage
from backfill.commands.steps import Steps, script
from backfill.examples import extras


class Demo:
    """An example on services of its own."""

    def __init__(self, example: str, environment: dict[str, str]) -> None:
        self.database_url = environment["DATABASE_URL"]
        self._example = example
        self._run = Steps(environment)

    def python(self, title: str, module: str, *arguments: str) -> None:
        """`python -m`, such as a command of an example."""
        self._run(title, sys.executable, "-m", module, *arguments)

    def own(self, title: str, *arguments: str) -> None:
        """A command of the example itself."""
        self.python(title, self._example, *arguments)

    def backfill(self, title: str, *arguments: str) -> None:
        self._run(title, script("backfill"), *arguments)

    def queue(self, title: str, *arguments: str, code: int = 0) -> None:
        self._run(title, script("backfill-queue"), *arguments, code=code)

    def work(self, title: str = "", *arguments: str) -> None:
        """A worker that ends when nothing is left."""
        self._run(title, script("backfill-worker"), "--burst", *arguments)

    @contextmanager
    def service(self, rate: int) -> Iterator[tuple[str, ...]]:
        """A service that takes so many calls a second; gives the parameters that lead there, and says what it saw."""
        module = "backfill.examples.service"
        with self._run.beside("A service with a limit", sys.executable, "-m", module, "--rate", str(rate)) as url:
            yield "-P", f"url={url}", "-P", f"rate={rate}"
            door.line()
            door.line("== What the service has seen")
            door.line(f"  {_seen(url)}")


@contextmanager
def demo(example: str, *names: str, extra: str) -> Iterator[Demo]:
    """Services, or a database of its own on those that are given; gone afterwards, with these backfills' queues."""
    extras.need(extra)
    with stage(example, *names) as environment:
        yield Demo(example, environment)


def _seen(url: str) -> str:
    import httpx

    seen: dict[str, Any] = httpx.get(f"{url}/counts").json()
    return f"{seen['calls']:,} calls, at most {seen['worst_second']:,} in a second, {seen['refused']:,} refused"
