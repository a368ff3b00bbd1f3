"""Modes: what they select, in words and in SQL."""

import pytest

from backfill.modes import Mode
from backfill.topology import Topology, milliseconds


@pytest.mark.parametrize(
    ("mode", "predicate", "words"),
    [
        (Mode.NULL, '"value" IS NULL', "records of things whose value is NULL"),
        (Mode.ZERO, '"value" = 0', "records of things whose value is 0"),
        (Mode.ALL, "true", "every record of things"),
    ],
)
def test_a_mode_has_a_predicate_and_words(mode: Mode, predicate: str, words: str) -> None:
    assert mode.predicate('"value"') == predicate
    assert mode.words("things", "value") == words
    and_where = "where" if mode is Mode.ALL else "and where"
    assert mode.words("things", "value", "t.is_active") == f"{words} {and_where} t.is_active"


def test_queue_names_are_those_that_the_pages_promise() -> None:
    from backfill.modes import Priority

    topology = Topology("killmail_values")
    assert topology.queue(Priority.NORMAL) == "backfill_killmail_values_queue"
    assert topology.queue(Priority.HIGH) == "backfill_killmail_values_queue_high"
    assert topology.queue(Priority.LOW) == "backfill_killmail_values_queue_low"
    assert topology.delay_queue(60_000) == "backfill_killmail_values_delay_60000ms"
    assert topology.dead_queue == "backfill_killmail_values_dead"


@pytest.mark.parametrize(("seconds", "expected"), [(60, 60_000), (0.2, 200), (0.05, 50), (0.1 + 0.2, 300)])
def test_delays_are_whole_milliseconds(seconds: float, expected: int) -> None:
    assert milliseconds(seconds) == expected
