"""Programs of the user's: what is taken of what they print, and that nothing of them stays."""

import asyncio
import contextlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from backfill.monitor.profile import CommandSource, Profile
from backfill.monitor.readings import Measure, Reading
from backfill.monitor.sources import commands, words
from tests.support.surroundings import surroundings
from tests.support.waiting import eventually


async def look(run: str | list[str], folder: Path, measures: str | None = "rows", **more: Any) -> Reading:
    source = CommandSource.model_validate({"run": run, "measures": measures, "timeout": 10, **more})
    where = surroundings(folder, {"PATH": os.environ["PATH"], "LANG": "de_DE.UTF-8"})
    reading, _ = await commands.read(source, Profile(timezone="Asia/Tokyo"), where, {})
    return reading


def printing(text: str) -> list[str]:
    return ["printf", "%s", text]


DF = "Filesystem 1K-blocks Used Available Use% Mounted on"


@pytest.mark.parametrize(
    ("text", "measures", "value"),
    [
        ("12345\n", "rows", 12_345),
        ("12,345", "rows", 12_345),
        ("1e9", "rows", 10**9),
        ("0.5", "calls", 0.5),
        ("  42 total\n", "rows", 42),
        ("  1 a.csv\n  41 b.csv\n  42 total\n", "rows", 42),
        ("98304\toutput/\n", "bytes", 98_304),
        ("Avail\n 12345\n", "free_bytes", 12_345),
        ("counting\n 7 files\n", "files", 7),
        ("61.2%\n", "percent", 61.2),
        ("18446744073709551615", "range_end", "18446744073709551615"),
        ("2026-11-26 15:00:00\n", "newest", datetime(2026, 11, 26, 6, tzinfo=UTC)),
        ("1795687200123", "newest", datetime.fromtimestamp(1795687200.123, UTC)),
        (f"{DF}\n/dev/a 10 4 6 40% /\n", "free_bytes", 6 * 1024),
        ("Filesystem 1B-blocks Used Available Use% Mounted on\n/dev/a 10 4 6 40% /\n", "bytes", 4),
    ],
)
async def test_one_number(tmp_path: Path, text: str, measures: str, value: object) -> None:
    reading = await look(printing(text), tmp_path, measures)
    assert (reading.problems, reading.measures) == ([], {Measure(measures): value})


@pytest.mark.parametrize(
    "text",
    ['{"rows": 5, "calls": "12345678901", "newest": "2026-11-26T15:00:00Z", "host": "x"}', 'ready\n{"rows": 5}\n'],
)
async def test_an_object_has_measures_for_keys(tmp_path: Path, text: str) -> None:
    reading = await look(printing(text), tmp_path, None)
    assert (reading.problems, reading.measures[Measure.ROWS]) == ([], 5)
    if "calls" in text:
        assert reading.measures[Measure.CALLS] == 12_345_678_901
        assert reading.measures[Measure.NEWEST] == datetime(2026, 11, 26, 15, tzinfo=UTC)
        assert reading.notes == ["not taken, as no measure is called so: host"]


@pytest.mark.parametrize(
    ("text", "measures", "says"),
    [
        ("", "rows", "it prints nothing; have it print one number"),
        ("17", None, "it prints '17'; say with measures what that is: rows, rows_total"),
        ("a 17", "rows", "it prints 'a 17', and no number in front"),
        ("\x1b[2J", "rows", "it prints '\\\\x1b[2J', and no number"),
        ("1\n2\n", "rows", "it prints 2 numbers; have it print one, or their total"),
        ('{"rowz": 1}', None, "its JSON has the keys rowz; wanted are rows"),
        ('{"files": 1}', "rows", "its JSON has the keys files; wanted are rows"),
        ('{"rows": "many"}', None, "rows: 'many' is no number; correct what tells it"),
        ('{"rows": NaN}', None, "rows: nan is too large, or not finite"),
        ('{"rows": true}', None, "rows: 'True' is no number"),
        ("soon", "newest", "'soon' is no time"),
        (
            "Filesystem 1K-blocks Used Available Use% Mounted on\n/a 1 1 1 1% /\n/b 1 1 1 1% /b",
            "bytes",
            "lists 2 file sys",
        ),
        ("Filesystem Size Used Avail Use% Mounted on\n/a 1G 1G 1G 1% /\n", "bytes", "df counts in Size"),
    ],
)
async def test_what_is_printed_instead_is_said(tmp_path: Path, text: str, measures: str | None, says: str) -> None:
    (found,) = (await look(printing(text), tmp_path, measures)).problems
    assert says in found.text
    assert "\x1b" not in found.text


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ("no-such-program 1", "there is no program 'no-such-program'; install it, or correct run"),
        (["./plain"], "'./plain' may not be executed; chmod +x it"),
        (["./empty"], "cannot start './empty' (Exec format error)"),
        ("", "run names no program"),
        ("echo 'open", "the quote ' is left open; close it"),
        (["a\0b"], "null byte"),
        ("sh -c 'echo 5; echo first >&2; echo last\x07 >&2; exit 3'", "failed with exit code 3: last\\x07; correct it"),
        ("sh -c 'kill -9 $$'", "failed with SIGKILL; correct it"),
        ("yes", "'yes' prints more than 1 MB; have it print one number"),
    ],
)
async def test_a_command_that_fails_is_named(tmp_path: Path, run: str | list[str], says: str) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "empty").write_bytes(b"\x01\x02")
    (tmp_path / "empty").chmod(0o755)
    reading = await look(run, tmp_path)
    assert says in reading.problems[0].text
    assert reading.measures == {}


def left() -> list[psutil.Process]:
    """What is there of a test's commands, whoever its parent is by now."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if MARK in one.cmdline():
                found.append(one)
    return found


MARK = f"left-behind-{os.getpid()}"
STUBBORN = "trap '' TERM; echo 5; sleep 64 & wait; wait; sleep 64"


@pytest.mark.parametrize(
    "run",
    [
        f"sh -c 'sleep 61; :' {MARK}",
        ["sh", "-c", f'sh -c "$0" {MARK} & sh -c "$0" {MARK}', STUBBORN],
    ],
    ids=["obedient", "stubborn"],
)
async def test_a_command_that_hangs_is_stopped_with_all_that_it_has_started(
    tmp_path: Path, run: str | list[str]
) -> None:
    began = time.monotonic()
    (found,) = (await look(run, tmp_path, timeout=0.5)).problems
    assert "'sh' was stopped after 0.5 s; make it quicker" in found.text
    assert time.monotonic() - began < 5
    await eventually(lambda: not left(), what="an end of all of it")


async def test_what_it_leaves_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    began = time.monotonic()
    reading = await look(f"sh -c 'echo 5; sh -c \"sleep 62; :\" {MARK} & :'", tmp_path)
    assert (reading.problems, reading.measures, time.monotonic() - began < 3) == ([], {Measure.ROWS: 5}, True)
    await eventually(lambda: not left(), what="an end of it")
    reading = await look("sh -c 'setsid sleep 1.5 & echo 6'", tmp_path)
    assert (reading.problems, reading.measures, time.monotonic() - began < 3) == ([], {Measure.ROWS: 6}, True)


async def test_what_it_leaves_in_the_background_is_ended_though_it_holds_nothing_open(tmp_path: Path) -> None:
    reading = await look(f"sh -c 'sh -c \"sleep 65; :\" {MARK} >/dev/null 2>&1 & echo 5'", tmp_path)
    assert (reading.problems, reading.measures) == ([], {Measure.ROWS: 5})
    await eventually(lambda: not left(), deadline=5, what="an end of it")


async def test_a_look_that_is_given_up_leaves_no_command(tmp_path: Path) -> None:
    task = asyncio.create_task(look(f"sh -c 'sleep 63; :' {MARK}", tmp_path))
    await eventually(left, what="the command")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: not left(), what="an end of it")


async def test_there_is_no_shell_but_files_are_found_as_by_one(tmp_path: Path) -> None:
    (tmp_path / "out put").mkdir()
    for number in (1, 2, 3):
        (tmp_path / "out put" / f"{number}.csv").write_text("a\nb\n")
    reading = await look("wc -l 'out put'/*.csv", tmp_path)
    assert reading.measures == {Measure.ROWS: 6}
    (tmp_path / "$(touch made)").mkdir()
    assert (await look("ls -d $(touch made)", tmp_path)).problems
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("a  b\tc\n", ["a", "b", "c"]),
        (
            "clickhouse-client --query 'SELECT count(*) FROM t'",
            ["clickhouse-client", "--query", "SELECT count(*) FROM t"],
        ),
        ('a "b c" "" \'\' d"e f"g', ["a", "b c", "", "", "de fg"]),
        (r'a\ b "\"\n\\" \*.x', ["a b", '"\\n\\', "*.x"]),
        ("*.x", ["1.x", "2.x"]),
        ("'*'.x [1].x \"[2]\".x *.none", ["*.x", "1.x", "[2].x", "*.none"]),
        ("", []),
    ],
)
def test_words_are_those_of_a_shell(tmp_path: Path, line: str, split: list[str]) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.x").touch()
    assert words.split(line, tmp_path) == split


def test_passwords_are_not_shown() -> None:
    line = "psql postgresql://u:geheim@h/db --password geheim --token=geheim PGPASSWORD=geheim -x"
    assert words.shown(line.split()) == "psql postgresql://u:***@h/db --password *** --token=*** PGPASSWORD=*** -x"


async def test_the_environment_is_the_users(tmp_path: Path) -> None:
    assert (await look("sh -c 'echo ${#LANG}; test ! -t 0; cat'", tmp_path)).measures == {Measure.ROWS: 11}
    assert (await look("pwd", tmp_path, "range_start")).measures == {Measure.RANGE_START: str(tmp_path)}
