"""The files of the services: what another user put in their place is neither followed, read nor written."""

import json
import os
import stat
from pathlib import Path

import pytest

from backfill import private, services
from backfill.errors import UsageError
from backfill.services import account, state
from backfill.services import rabbitmq_node as node
from backfill.services.rabbitmq import Rabbitmq

OTHER = 65534


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started: both services are said to be there."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://mq")


@pytest.mark.parametrize("name", ["services.lock", "services.json", f"{private.FILE}.new", private.FILE])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("{}")
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / name).symlink_to(victim)

    with pytest.raises(UsageError, match=f"{name} is a link, which is not followed"):
        (private.answering if name == private.FILE else services.up)(tmp_path / "services")

    assert victim.read_text() == "{}"


@pytest.mark.parametrize("name", ["services.lock", "services.json", private.FILE])
def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(UsageError, match="is no plain file"):
        (private.answering if name == private.FILE else services.up)(tmp_path)


def test_what_stands_in_the_place_of_a_nodes_configuration_is_not_written_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    home = tmp_path / "rabbitmq"
    home.mkdir()
    (home / "rabbitmq.conf").symlink_to(victim)
    (home / "advanced.config").hardlink_to(victim)

    node.configure(home, 20000, "secret")

    assert victim.read_text() == "kept"
    assert not (home / "rabbitmq.conf").is_symlink()
    assert stat.S_IMODE((home / "rabbitmq.conf").stat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_servers_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "rabbitmq").symlink_to("big")
    with pytest.raises(UsageError, match="rabbitmq is a link; remove it"):
        account.home(tmp_path / "rabbitmq", None)


def test_what_a_server_says_is_read_from_a_file_of_its_own_only(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("17")
    (tmp_path / "link").symlink_to("pid")
    assert account.said(tmp_path / "pid", None) == "17"
    assert account.said(tmp_path / "link", None) == ""
    assert account.said(tmp_path / "missing", None) == ""


def test_servers_are_told_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "RABBITMQ_DEFAULT_PASS", "ERL_FLAGS"):
        monkeypatch.setenv(name, "secret-of-ours")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for environment in (account.environment(), node.environment(Path("/nowhere"), 20000)):
        assert environment["PATH"] == os.environ["PATH"]
        assert environment["LC_ALL"] == "C.UTF-8"
        assert "secret-of-ours" not in environment.values()


if os.geteuid() == 0:

    @pytest.mark.parametrize("folder", [True, False], ids=["folder", "file"])
    def test_root_neither_stops_nor_removes_what_another_user_names(tmp_path: Path, folder: bool) -> None:
        victim = tmp_path / "victim"
        victim.mkdir()
        record = {"rabbitmq": ["rabbitmq", {"home": str(victim), "port": 20000, "password": "x"}]}
        (tmp_path / "services").mkdir()
        file = tmp_path / "services" / "services.json"
        file.write_text(json.dumps(record))
        os.chown(tmp_path / "services" if folder else file, OTHER, OTHER)

        with pytest.raises(UsageError, match="belongs to nobody"):
            services.down(tmp_path / "services", delete=True)

        assert victim.is_dir()

    def test_root_is_sent_nowhere_by_the_urls_of_another_user(tmp_path: Path) -> None:
        state.write_urls(tmp_path, {"database_url": "postgresql://evil"})
        os.chown(tmp_path / private.FILE, OTHER, OTHER)
        with pytest.raises(UsageError, match=r"urls\.json belongs to nobody; run this as nobody, or choose"):
            private.answering(tmp_path)

    def test_a_folder_is_given_away_with_all_that_is_in_it_but_no_link_is_followed(tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.touch()
        (tmp_path / "given" / "deep").mkdir(parents=True)
        (tmp_path / "given" / "deep" / "file").touch()
        (tmp_path / "given" / "deep" / "link").symlink_to(victim)

        account.give(tmp_path / "given", "nobody")

        owners = {path.lstat().st_uid for path in (tmp_path / "given", *(tmp_path / "given").rglob("*"))}
        assert owners == {OTHER}
        assert victim.stat().st_uid == 0

    def test_a_folder_beyond_the_closed_one_cannot_be_exchanged_by_the_account(tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        home = account.home(tmp_path / "postgres", "nobody")
        try:
            account.give(home, "nobody")
            assert home.parent != tmp_path
            assert home.parent.stat().st_uid == 0
            assert account.permits("nobody", "-w", home)
            assert not account.permits("nobody", "-w", home.parent)
        finally:
            account.remove(home)
        assert not home.parent.exists()

    def test_a_node_that_an_older_version_left_where_the_account_cannot_come_is_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tmp_path.chmod(0o700)
        home = tmp_path / "rabbitmq"
        home.mkdir()
        monkeypatch.setattr(Rabbitmq, "command", lambda self, program: [program])
        with pytest.raises(UsageError, match=f"nobody cannot come to it; remove it .*: rm -r {home}"):
            Rabbitmq(str(home), 20000, "secret", "nobody").start()
