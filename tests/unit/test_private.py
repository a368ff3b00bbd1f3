"""How a command that has no URLs learns where private services answer."""

import socket
from pathlib import Path

import pytest

from backfill import console, private
from backfill.errors import UsageError
from backfill.services import VARIABLES, state


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_a_command_takes_from_private_services_what_is_not_set_and_only_from_those_that_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BACKFILL_HOME", str(tmp_path))
    (tmp_path / "services").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        urls = {
            name: f"x://u@127.0.0.1:{listening.getsockname()[1]}/{name}" for name in ("database_url", "rabbitmq_url")
        }
        state.write_urls(tmp_path / "services", urls)
        found = console.read_settings()
        assert (found.database_url, found.rabbitmq_url) == (urls["database_url"], urls["rabbitmq_url"])
        own = console.read_settings(database_url="postgresql://own")
        assert (own.database_url, own.rabbitmq_url) == ("postgresql://own", urls["rabbitmq_url"])
        state.write_urls(tmp_path / "services", {"rabbitmq_url": urls["rabbitmq_url"]})
        assert not console.read_settings().rabbitmq_url
    assert not console.read_settings(database_url="postgresql://own").rabbitmq_url


@pytest.mark.parametrize("text", ["", "[]", '{"database_url": 5}', '{"database_url": "x://h:port"}'])
def test_damaged_urls_are_named_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / private.FILE).write_text(text)
    with pytest.raises(UsageError, match=r"urls\.json is damaged .* backfill services up"):
        private.answering(tmp_path)


def test_a_home_that_is_a_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("BACKFILL_HOME", str(tmp_path / "home"))
    with pytest.raises(UsageError, match=r"cannot read .*urls\.json .*choose another BACKFILL_HOME"):
        console.read_settings()
