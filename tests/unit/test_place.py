"""Whose folders and files the services are kept in: nothing of another user is followed, read or written."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from backfill import private, services
from backfill.commands.services import services as command
from backfill.errors import UsageError
from backfill.services import place

OTHER = 65534
ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started: both services are said to be there."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://mq")
    monkeypatch.delenv("BACKFILL_HOME", raising=False)


def a_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to("elsewhere")


def written_by_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def sticky_itself(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o1777)


def below_what_all_write(folder: Path) -> None:
    folder.parent.chmod(0o777)


def of_another(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, OTHER, OTHER)


def in_a_folder_of_another(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder.parent, OTHER, OTHER)


def behind_a_link_of_another(folder: Path) -> None:
    (folder.parent.parent / "real").mkdir()
    folder.parent.rmdir()
    folder.parent.symlink_to("real")
    os.chown(folder.parent, OTHER, OTHER, follow_symlinks=False)


def written_by_a_group(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 0, OTHER - 1)  # of whom nothing is known
    folder.chmod(0o775)


HOSTILE: list[tuple[Callable[[Path], None], str]] = [
    (a_link, "is a link; name the folder that it leads to (elsewhere)"),
    (written_by_all, "; chmod go-w "),
    (sticky_itself, "; name a folder in it, or"),
    (below_what_all_write, "others may write to"),
]
if ROOT:
    HOSTILE += [
        (of_another, "belongs to nobody"),
        (in_a_folder_of_another, "belongs to nobody"),
        (behind_a_link_of_another, "belongs to nobody"),
        (written_by_a_group, "others may write to"),
    ]


@pytest.mark.parametrize(("make", "said"), HOSTILE, ids=lambda given: getattr(given, "__name__", ""))
@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_a_folder_that_another_user_could_exchange_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], said: str, verb: str
) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    make(parent / "services")
    before = sorted(tmp_path.rglob("*"))

    done = CliRunner().invoke(command, [verb, "--folder", str(parent / "services")])

    if verb != "up" and not (parent / "services").exists():
        return
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def behind_a_link_of_ours(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")
    (folder / "real" / "second").symlink_to("../real")
    return folder / "link" / "second" / "services"


def in_a_sticky_folder(folder: Path) -> Path:
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    return folder / "tmp" / "services"


def up_and_down(folder: Path) -> Path:
    (folder / "down").mkdir()
    return folder / "down" / ".." / "services"


def written_by_our_group(folder: Path) -> Path:
    (folder / "ours").mkdir()
    (folder / "ours").chmod(0o775)
    return folder / "ours" / "services"


KIND = [behind_a_link_of_ours, in_a_sticky_folder, up_and_down, *([written_by_our_group] if ROOT else [])]


@pytest.mark.parametrize("make", KIND)
def test_a_folder_that_nobody_else_can_exchange_is_taken(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = make(tmp_path)
    services.up(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert {file.name for file in folder.iterdir()} == {"services.lock", private.FILE}
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_that_another_user_is_quicker_to_make_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(path: Path, mode: int) -> None:
        os.symlink(tmp_path, path)
        raise FileExistsError

    monkeypatch.setattr(Path, "mkdir", overtaken)
    with pytest.raises(UsageError, match="is a link"):
        place.make(tmp_path / "services")
