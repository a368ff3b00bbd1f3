"""A log as a program writes it, line by line, the same on every machine: its clock and its chances are made up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

MINUTE = 60.0
NOW = datetime(2026, 11, 26, 16, 0, tzinfo=UTC).timestamp()


@dataclass
class Worker:
    """How it goes with one of them; rates in percent a minute."""

    name: int
    rate: float
    begun_at: float
    percent: float = 0.0
    ends_at: float = 1e18  # it says nothing from then on

    def after(self, at: float) -> float:
        return min(self.percent + self.rate * max(at - self.begun_at, 0.0) / MINUTE, 100.0)


@dataclass
class Log:
    """Lines with their times, in any order until they are written."""

    seed: str
    lines: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def say(self, at: float, text: str) -> None:
        self.lines.append((at, text))

    def text(self) -> str:
        ordered = sorted(self.lines, key=lambda one: one[0])
        return "".join(f"{stamp(at)} {text}\n" for at, text in ordered)

    def progress(self, workers: Sequence[Worker], since: float, until: float, every: float = MINUTE) -> None:
        """Each worker tells how far it is, about so often, until it has finished."""
        for worker in workers:
            at = since + self.chance.uniform(0, every)
            while at < min(until, worker.ends_at):
                percent = worker.after(at)
                block = 18_000_000 + worker.name * 100_000 + int(percent * 1_000)
                if percent >= 100:
                    self.say(at, f"[worker-{worker.name}] Worker {worker.name}: finished")
                    break
                self.say(at, f"[worker-{worker.name}] Worker {worker.name}: {percent:.1f}% complete, block {block:,}")
                at += every * self.chance.uniform(0.8, 1.2)

    def refused(self, many: int, since: float, until: float, workers: int, status: str = "503") -> None:
        """So many refusals, each overcome at the second attempt."""
        for at in self.moments(many, since, until):
            who = self.chance.randrange(workers)
            said = "HTTP 503 Service Unavailable" if status == "503" else "HTTP 429 Too Many Requests"
            self.say(at, f"[worker-{who}] {said} from https://api.example.org")
            self.say(at + 0.3, f"[worker-{who}] Attempt 1 failed, retrying in 2 s")
            self.say(at + 2.9, f"[worker-{who}] recovered after 2 attempts")

    def moments(self, many: int, since: float, until: float) -> Iterator[float]:
        yield from sorted(self.chance.uniform(since, until) for _ in range(many))


def stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def told(text: str) -> float:
    """Seconds of a time of the day that everything here plays on."""
    return datetime.fromisoformat(f"2026-11-26T{text}+00:00").timestamp()
