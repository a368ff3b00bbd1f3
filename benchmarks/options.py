"""What a run measures, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

SECTIONS = (
    "sql",
    "plain",
    "run",
    "composite",
    "overhead",
    "peers",
    "queue",
    "ledger",
    "page",
    "memory",
    "scaling",
    "limits",
    "service",
    "embeddings",
    "prefetch",
    "sizes",
    "monitor",
)
ASKED_FOR = (
    "ledger",
    "page",
    "limits",
    "prefetch",
    "sizes",
    "monitor",
)  # where they are asked for by name: many runs, or minutes
MANY = 1_000_000


@dataclass(frozen=True)
class Options:
    """SCALE, RUNS, ONLY, NAMES, PEER_RECORDS, IDS, PARTITIONS, CALLS, TEXTS and LOG_MB; every one has a default."""

    scale: int = 200_000  # killmails
    runs: int = 3  # of each contender; the table shows medians
    names: int = MANY  # rows of the smallest example
    peer_records: int = 10_000  # records for a peer that takes a message a record
    ids: int = MANY  # for the producer
    partitions: int = 100_000  # of one job
    calls: int = 400  # to a service that allows 20 a second
    texts: int = 600  # for a model
    log_mb: int = 2_000  # of a log, in millions of bytes
    only: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[str, ...]:
        """In the order of the table; scaling takes a million killmails and runs only where they are wanted.

        Some run only where they are asked for by name.
        """
        if self.only:
            return tuple(section for section in SECTIONS if section in self.only)
        return tuple(
            section for section in SECTIONS if section not in ASKED_FOR and (section != "scaling" or self.scale >= MANY)
        )


def read(environment: Mapping[str, str] = os.environ) -> Options:
    """Raises ValueError naming the variable that makes no sense."""
    only = tuple(environment.get("ONLY", "").replace(",", " ").split())
    if unknown := set(only) - set(SECTIONS):
        raise ValueError(f"ONLY={' '.join(sorted(unknown))}: the sections are {', '.join(SECTIONS)}")
    return Options(
        scale=_number(environment, "SCALE", Options.scale),
        runs=_number(environment, "RUNS", Options.runs),
        names=_number(environment, "NAMES", Options.names),
        peer_records=_number(environment, "PEER_RECORDS", Options.peer_records),
        ids=_number(environment, "IDS", Options.ids),
        partitions=_number(environment, "PARTITIONS", Options.partitions),
        calls=_number(environment, "CALLS", Options.calls),
        texts=_number(environment, "TEXTS", Options.texts),
        log_mb=_number(environment, "LOG_MB", Options.log_mb),
        only=only,
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").replace(",", "").replace("_", "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name}={environment[name]}: give a whole number from 1")
    return int(text)
