"""A profile that is written reads back as the same."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backfill.monitor import profile, profiles, written
from backfill.monitor.profile import Limits, Profile
from backfill.monitor.readings import Measure
from backfill.monitor.report import Kind

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
SECONDS = st.floats(0.001, 1e9)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def entry(needed: dict[str, st.SearchStrategy[Any]], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries(needed, optional=fields), max_size=2)


VARIABLE = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
PROFILES = maybe(
    title=TEXT,
    kind=st.sampled_from(Kind),
    unit=TEXT,
    total=st.integers(0, 2**63 - 1),
    workers=st.integers(1, 1000),
    timezone=TEXT,
    stuck_after=SECONDS,
    limits=maybe(
        good_rate=st.tuples(NUMBER, NUMBER),
        failed_retries=st.integers(0, 100),
        zero_values_percent=NUMBER,
        is_rate_judged=st.booleans(),
    ),
    patterns=st.dictionaries(NAME, TEXT, max_size=3),
    log=entry({"path": TEXT}, all=st.booleans()),
    sql=entry({"query": TEXT}, database=VARIABLE, timeout=SECONDS),
    command=entry({"run": TEXT | st.lists(TEXT)}, measures=st.sampled_from(Measure), timeout=SECONDS),
    process=entry({"name": TEXT}, all=st.booleans()),
    target=entry({"address": st.just("[::1]:5432")}, timeout=SECONDS),
    job=entry({}, id=TEXT, database=VARIABLE),
)


@given(PROFILES)
def test_what_is_written_reads_back_as_the_same(found: dict[str, Any]) -> None:
    made = Profile.model_validate(found)
    assert Profile.model_validate(tomllib.loads(written.text(made))) == made


def test_a_file_of_it_has_no_mistakes_and_its_comments_are_true(tmp_path: Path) -> None:
    made = profile.made({"log": [{"path": "tmp/*.log"}], "name": "mine"}, "test")
    (tmp_path / "mine.toml").write_text(written.text(made))
    assert profiles.read("mine", [tmp_path]) == made
    text = written.text(made)
    assert "backfill monitor --profile mine`" in text
    shown = "\n".join(line.removeprefix("# ") for line in text.split("\n")[3:])
    whole = tomllib.loads(shown)
    assert Limits.model_validate(whole["limits"]) == Limits()
    (tmp_path / "whole.toml").write_text(shown)
    assert profiles.read("whole", [tmp_path]).mistakes == ()
