"""The pure parts of the benchmark: what the table says about what was measured."""

import importlib
import os
import re
import threading
import unicodedata
from pathlib import Path

import pytest

from backfill.examples.names import normalise
from benchmarks import marks, names, options, table
from benchmarks.figures import Figure, about, at_least, at_most, ratios
from benchmarks.options import MANY, SECTIONS, Options


def test_the_median_counts_and_the_runs_show_their_spread() -> None:
    figure = Figure("sql", "worker", "s", (12.0, 9.0, 10.5))
    assert figure.median == 10.5
    assert figure.cells == ("sql", "worker", "10.50 s", "9.00 s … 12.00 s", "", "")


@pytest.mark.parametrize(
    ("target", "unit", "runs", "words", "verdict"),
    [
        (at_least(1.0), "×", (1.0,), "≥ 1 ×", "reached"),
        (at_least(1.0), "×", (0.999,), "≥ 1 ×", "not reached"),  # shown as 1.00, judged as it is
        (at_least(300_000), "/s", (299_999.0, 300_001.0, 400_000.0), "≥ 300,000/s", "reached"),
        (at_most(64), "MB", (64.0,), "≤ 64 MB", "reached"),
        (at_most(10), "%", (10.01,), "≤ 10 %", "not reached"),
        (at_most(10), "%", (-2.0,), "≤ 10 %", "reached"),
        (about(1, 0.05), "×", (1.049,), "1 × ± 5%", "reached"),
        (about(1, 0.05), "×", (0.94,), "1 × ± 5%", "not reached"),
        (at_most(0), "calls", (1.0,), "≤ 0", "not reached"),
    ],
)
def test_a_target_is_reached_or_not(target, unit, runs, words, verdict) -> None:
    assert Figure("section", "thing", unit, runs, target).cells[4:] == (words, verdict)


def test_what_was_not_measured_was_not_reached() -> None:
    figure = Figure("peers", "ours ÷ best", "×", (), at_least(20), note="install them")
    assert figure.median is None
    assert figure.cells[2:] == ("not measured", "", "≥ 20 ×", "not reached")
    assert figure.as_dict()["reached"] is False


def test_pairs_are_divided_pair_by_pair() -> None:
    assert ratios((10.0, 30.0), (5.0, 10.0)) == (2.0, 3.0)
    with pytest.raises(ValueError, match="zip"):
        ratios((1.0,), (1.0, 2.0))


def test_the_table_lines_up_its_columns_and_gives_each_note_once() -> None:
    text = table.table(
        [
            Figure("sql", "one", "s", (1.0, 2.0, 3.0), note="as it is"),
            Figure("sql", "another with a longer name", "×", (0.5,), at_least(1.0), note="as it is"),
            Figure("memory", "worker", "MB", (50.0,), at_most(64)),
        ]
    )
    lines = text.splitlines()
    assert lines[0].split() == ["section", "measured", "median", "runs", "target"]
    assert lines[2].index("2.00 s") == lines[3].index("0.50 ×")
    assert lines[4].startswith("---")
    assert lines[-1] == "sql: as it is"
    assert text.count("as it is") == 1
    assert not any(line.endswith(" ") for line in lines)


def test_the_environment_chooses() -> None:
    assert options.read({}) == Options()
    read = options.read(
        {"SCALE": "1_000_000", "RUNS": "5", "ONLY": "memory,plain", "PEER_RECORDS": "", "IDS": "10,000"}
    )
    assert read == Options(scale=MANY, runs=5, ids=10_000, only=("memory", "plain"))
    assert read.sections == ("plain", "memory")
    assert options.read({"NAMES": "5_000"}) == Options(names=5_000)


@pytest.mark.parametrize("environment", [{"SCALE": "0"}, {"SCALE": "-1"}, {"RUNS": "many"}, {"ONLY": "sql speed"}])
def test_the_environment_is_refused_with_its_name(environment) -> None:
    with pytest.raises(ValueError, match=next(iter(environment))):
        options.read(environment)


def test_scaling_runs_where_it_is_wanted() -> None:
    assert "scaling" not in Options().sections
    assert "scaling" in Options(scale=MANY).sections
    assert Options(only=("scaling",)).sections == ("scaling",)


def test_the_tables_of_the_runbook_are_measured_where_they_are_asked_for() -> None:
    assert not {"prefetch", "sizes", "monitor"} & set(Options(scale=MANY).sections)
    assert options.read({"ONLY": "sizes prefetch"}).sections == ("prefetch", "sizes")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_its_module(section: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.sections.{section}").measure)


def test_made_up_names_are_all_different_and_sql_can_normalise_them_too() -> None:
    made_up = [name for _, name in names.people(20_000)]
    assert len({normalise(name) for name in made_up}) == len(made_up)
    assert sum(name != unicodedata.normalize("NFKC", name) for name in made_up) > len(made_up) / 20
    for name in made_up:
        # PostgreSQL's functions one by one, lower() as it is in a database with the locale C
        compatible = unicodedata.normalize("NFKC", name)
        lower = "".join(letter.lower() if letter.isascii() else letter for letter in compatible)
        assert re.sub(r"\s+", " ", lower).strip(" ") == normalise(name), repr(name)


def test_both_tables_get_the_same_names_under_keys_without_doubles() -> None:
    people, lines = list(names.people(10)), list(names.order_lines(10))
    assert [name for *_, name in lines] == [name for _, name in people]
    assert [key for *key, _ in lines[2:6]] == [[1, 3], [1, 4], [2, 1], [2, 2]]


def test_marks_of_all_processes_make_one_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(marks.VARIABLE, str(tmp_path))
    assert marks.read(tmp_path) == (0, 0.0)
    (tmp_path / "other process").write_bytes(marks.LAYOUT.pack(100.0, 104.0, 7))
    (tmp_path / "just begun").write_bytes(marks.LAYOUT.pack(0.0, 0.0, 0))
    monkeypatch.setattr(marks.time, "monotonic", iter((101.0, *range(102, 200))).__next__)
    mark = marks.Mark()
    mark.begin()
    threads = [threading.Thread(target=mark.done) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / str(os.getpid())).exists()
    assert marks.read(tmp_path) == (12, 6.0)
