"""What a look leaves for the next one: whole or not at all, bounded, for its owner alone, and never in the way."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from backfill.monitor import memory
from backfill.monitor.memory import MOST_LOOKS, Look, Memory
from backfill.monitor.profile import CommandSource, Limits, Profile, SqlSource
from backfill.monitor.readings import Measure


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "load-1.json"


def looks(count: int) -> Memory:
    kept = Memory()
    for at in range(count):
        kept = kept.with_look(Look(float(at), {Measure.ROWS: at * 10.0}))
    return kept


def test_what_was_written_is_read_and_nobody_else_may(file: Path) -> None:
    kept = looks(3)
    kept.sources["log 1"] = {"offset": 7}
    assert memory.write(file, kept) is None
    assert memory.read(file) == kept
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_without_a_file_it_begins_and_says_nothing(file: Path) -> None:
    assert memory.read(file) == Memory()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2, "looks": [], "sources": {}}',
        '{"version": 1, "looks": [{"at": "x", "measures": {}}], "sources": {}}',
        '{"version": 1, "looks": [{"at": 1, "measures": {"nonsense": 1}}], "sources": {}}',
        '{"version": 1, "looks": [{"at": NaN, "measures": {}}], "sources": {}}',
        '{"version": 1, "looks": [], "sources": {"log": 3}}',
        '{"version": 1, "looks": [], "sources": []}',
        "[" * 100_000,
        "\x00\x01",
    ],
)
def test_a_damaged_one_is_begun_anew_and_that_is_said(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    found = memory.read(file)
    assert (found.looks, found.sources) == ([], {})
    (note,) = found.notes
    assert note.startswith(f"what was remembered in {file} cannot be used (")
    assert note.endswith("; begun anew")
    assert memory.write(file, looks(1)) is None
    assert memory.read(file) == looks(1)


def test_a_link_is_not_followed_and_not_written_through(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    (tmp_path / "mine").write_text("precious")
    file.symlink_to(tmp_path / "mine")
    assert "is a link" in memory.read(file).notes[0]
    assert memory.write(file, looks(1)) is None
    assert (tmp_path / "mine").read_text() == "precious"
    assert memory.read(file) == looks(1)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_where_nothing_can_be_kept_it_is_said_and_the_look_goes_on(tmp_path: Path, kind: str) -> None:
    (tmp_path / "taken").write_text("")
    file = tmp_path / "taken" / "x.json" if kind == "folder" else tmp_path / "there.json"
    if kind == "file":
        file.mkdir()
    told = memory.write(file, looks(1))
    assert told is not None
    assert told.startswith(f"cannot remember this look in {file}: ")
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_looks_are_bounded_and_the_newest_stay_dense() -> None:
    kept = looks(5_000)
    assert len(kept.looks) <= MOST_LOOKS
    ats = [one.at for one in kept.looks]
    assert ats == sorted(set(ats))
    assert ats[-200:] == [float(at) for at in range(4_800, 5_000)]
    assert ats[0] < 100


def test_a_clock_that_was_put_back_leaves_no_look_of_the_future() -> None:
    kept = looks(10).with_look(Look(4.0, {}))
    assert [one.at for one in kept.looks] == [0, 1, 2, 3, 4]


def test_old_files_are_forgotten_also_what_a_killed_process_left(file: Path) -> None:
    file.parent.mkdir()
    old, left, new = file.parent / "old.json", file.parent / ".x.json.abc", file.parent / "new.json"
    for one in (old, left, new):
        one.write_text("{}")
    for one in (old, left):
        os.utime(one, (1, 1))
    assert memory.write(file, looks(1)) is None
    assert {one.name for one in file.parent.iterdir()} == {"new.json", file.name}


def test_several_at_once_leave_a_whole_file(file: Path) -> None:
    wrong: list[str] = []

    def both() -> None:
        for count in range(1, 60):
            wrong.extend(filter(None, [memory.write(file, looks(count))]))
            wrong.extend(memory.read(file).notes)

    threads = [threading.Thread(target=both) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert json.loads(file.read_text())["version"] == 1


def test_another_place_is_another_file() -> None:
    base = Profile(sql=[SqlSource(query="SELECT 1 AS rows")])
    env = {"HOME": "/home/ada", "DATABASE_URL": "postgresql://ada:secret@db/one"}

    def of(profile: Profile = base, folder: str = "/a", **more: str) -> Path:
        return memory.place(profile, Path(folder), env | more)

    assert of() == of(base.model_copy(update={"title": "x", "limits": Limits(http_503_an_hour=1)}))
    assert of() == of(DATABASE_URL="postgresql://ada:other@db/one")
    others = {
        of(),
        of(folder="/b"),
        of(DATABASE_URL="postgresql://ada:secret@db/two"),
        of(base.model_copy(update={"limits": Limits(attempts=9)})),
        of(base.model_copy(update={"patterns": {"x": "y"}})),
        of(base.model_copy(update={"command": [CommandSource(run="x")]})),
    }
    assert len(others) == 6
    assert of().parent == Path("/home/ada/.local/state/backfill/monitor")
    assert of(XDG_STATE_HOME="/s").parent == Path("/s/backfill/monitor")
    named = memory.place(Profile(name="../x y"), Path("/a"), env)
    assert named.parent == of().parent
    assert named.name.startswith("_x_y-")
