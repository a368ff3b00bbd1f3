"""Whatever a column, a program or a variable holds: it is a value, or a sentence, and never a traceback."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill.errors import UsageError
from backfill.monitor import zones
from backfill.monitor.profile import JobSource, Profile, SqlSource
from backfill.monitor.readings import Measure, Reading
from backfill.monitor.sources import jobs, printed, queries, table, values, words
from backfill.texts import FORGING
from tests.support.surroundings import surroundings

TOKYO = ZoneInfo("Asia/Tokyo")
ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.binary()
    | st.dates() | st.datetimes() | st.datetimes(timezones=st.timezones()) | st.timedeltas() | st.uuids()
    | st.lists(st.integers(), max_size=2)
)  # fmt: skip


def is_one_line(text: str) -> bool:
    return FORGING.search(text) is None


@given(ANYTHING, st.sampled_from(Measure), st.sampled_from([None, UTC, TOKYO, timezone(timedelta(hours=-12))]))
def test_a_value_is_of_its_kind_or_is_refused(raw: object, measure: Measure, naive: Any) -> None:
    try:
        found = values.value(measure, raw, naive)
    except ValueError as error:
        assert is_one_line(str(error))  # noqa: PT017 - the other way is as good
        return
    if measure is Measure.NEWEST:
        assert isinstance(found, datetime)
        assert found.tzinfo is UTC
    elif measure not in values.ANYTHING:
        assert isinstance(found, int | float)
        assert math.isfinite(found)
    elif isinstance(found, str):
        assert is_one_line(found)
        assert len(found) <= 200


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-26 15:00:00+00", datetime(2026, 11, 26, 15, tzinfo=UTC)),
        ("2026-11-26T15:00:00.25Z", datetime(2026, 11, 26, 15, 0, 0, 250_000, UTC)),
        ("2026-11-26 15:00", datetime(2026, 11, 26, 6, tzinfo=UTC)),
        (date(2026, 11, 26), datetime(2026, 11, 25, 15, tzinfo=UTC)),
        ("20261126", datetime(2026, 11, 25, 15, tzinfo=UTC)),
        (1_795_705_200, datetime(2026, 11, 26, 15, tzinfo=UTC)),
        ("1795705200", datetime(2026, 11, 26, 15, tzinfo=UTC)),
        (1_795_705_200_000, datetime(2026, 11, 26, 15, tzinfo=UTC)),
        (Decimal("1795705200000000"), datetime(2026, 11, 26, 15, tzinfo=UTC)),
        (1_795_705_200_000_000_000, datetime(2026, 11, 26, 15, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_in_all_the_ways_they_are_told(raw: object, moment: datetime) -> None:
    assert values.moment(raw, TOKYO) == moment


@given(st.text(), st.none() | st.sampled_from(Measure))
def test_what_a_program_prints(text: str, measures: Measure | None) -> None:
    reading = Reading("command x", "command", 0.0)
    try:
        printed.take(text, measures, None, reading)
    except ValueError as error:
        assert is_one_line(str(error))  # noqa: PT017 - the other way is as good
        assert not reading.measures


URLS = st.text(max_size=60) | st.text(max_size=60).map(lambda text: f"postgresql://{text}")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(
    st.dictionaries(
        st.sampled_from(Measure) | st.text(), LEAVES | st.lists(LEAVES) | st.dictionaries(st.text(), LEAVES)
    )
)
def test_objects_that_a_program_prints(found: dict[str, Any]) -> None:
    reading = Reading("command x", "command", 0.0)
    try:
        printed.take(json.dumps(found), None, None, reading)
    except ValueError as error:
        assert is_one_line(str(error))  # noqa: PT017 - the other way is as good
        return
    assert all(isinstance(value, int | float | str | datetime) for value in reading.measures.values())
    assert all(is_one_line(problem.text) for problem in reading.problems)


def test_json_that_is_too_deep_or_has_a_number_without_end() -> None:
    for text in ("{" * 100_000, '{"rows":' * 100_000, '{"rows": ' + "9" * 10_000 + "}"):
        with pytest.raises(ValueError, match="prints"):
            printed.take(text, None, None, Reading("command x", "command", 0.0))


@given(st.text(max_size=60))
def test_a_command_line_is_split_or_refused(text: str) -> None:
    try:
        found = words.split(text, Path("/nowhere"))
    except ValueError:
        return
    assert is_one_line(words.shown(found))


@given(URLS)
@settings(max_examples=40)
async def test_a_variable_that_holds_anything_but_a_url(url: str) -> None:
    if "@" in url or "." in url or "localhost" in url:  # it may lead somewhere
        return
    where = surroundings(Path("/nowhere"), {"DATABASE_URL": url, "BACKFILL_SCHEMA": "x"})
    for reading in (
        (await jobs.read(JobSource(), Profile(), where, {}))[0],
        (await queries.read(SqlSource(query="SELECT 1"), Profile(), where, {}))[0],
    ):
        assert len(reading.problems) == 1
        assert is_one_line(reading.problems[0].text)


@given(st.text(max_size=40))
def test_a_tables_name_is_understood_or_is_none(name: str) -> None:
    parts = table.NAME.fullmatch(name.strip())
    if parts is not None:
        made = [parts[number] or parts[number + 1] for number in (1, 3)]
        assert made[0]


def test_a_zone_is_one_that_there_is() -> None:
    assert zones.named(None) is None
    assert zones.named("Asia/Tokyo") == TOKYO
    for name in ("", "../etc/passwd", "/etc/passwd", "Nowhere/At all", "a\0b"):
        with pytest.raises(ValueError, match="there is no time zone"):
            zones.named(name)


def test_usage_errors_are_what_a_query_raises() -> None:
    with pytest.raises(UsageError):
        table.Table('"a"', is_sampled=True, runs_nothing=True, columns={}).column("b")
