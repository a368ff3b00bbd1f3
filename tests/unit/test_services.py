"""Which way a service is started, and what is remembered of it; nothing is started here."""

import fcntl
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner

from backfill import private, services
from backfill.commands.services import services as command
from backfill.errors import UnreachableError, UsageError
from backfill.services import account, choice, containers, install, ports, programs, state
from backfill.services.containers import Container
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq

POSTGRES = Postgres("/nowhere/postgres", 20001, "pg-secret", durable=True, runs_as=None)
RABBITMQ = Rabbitmq("/nowhere/rabbitmq", 20100, "mq-secret", account.lent())
CONTAINER = Container("rabbitmq", "0123456789abcdef", 20200, 20201, "box-secret")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*services.VARIABLES.values(), "BACKFILL_SERVICES", "BACKFILL_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("wanted", "present", "engine", "expected"),
    [
        ("", True, True, "local"),
        ("", False, True, "docker"),
        ("", False, False, "install"),
        ("docker", True, True, "docker"),
        ("local", True, True, "local"),
        ("local", False, True, "install"),
    ],
)
def test_containers_are_used_only_when_asked_for_or_when_programs_are_missing(
    monkeypatch: pytest.MonkeyPatch, wanted: str, present: bool, engine: bool, expected: str
) -> None:
    monkeypatch.setenv("BACKFILL_SERVICES", wanted)
    monkeypatch.setattr(install, "present", lambda service: present)
    monkeypatch.setattr(containers, "engine_answers", lambda: engine)
    assert choice.way("rabbitmq") == expected


def test_an_unknown_way_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_SERVICES", "podman")
    with pytest.raises(UsageError, match="BACKFILL_SERVICES is 'podman'"):
        choice.way("postgres")


def test_containers_are_not_tried_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_SERVICES", "docker")
    monkeypatch.setattr(containers, "engine_answers", lambda: False)
    with pytest.raises(UnreachableError, match="no Docker engine answers"):
        choice.way("postgres")


def test_who_cannot_install_is_told_what_to_install_and_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "present", lambda service: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnreachableError, match=r"sudo apt-get install rabbitmq-server.* RABBITMQ_URL"):
        install.ensure("rabbitmq")


def test_installing_starts_no_packaged_service_and_leaves_debians_switch_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    lock = tmp_path.with_name(f"{tmp_path.name}.lock")
    commands = []

    def apt(*arguments: str, say: object) -> None:
        commands.append((arguments[0], "exit 101" in policy.read_text()))
        with lock.open("w") as other, pytest.raises(BlockingIOError):  # nobody installs beside it
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    present = iter([False, True])
    monkeypatch.setattr(install, "POLICY", policy)
    monkeypatch.setattr(install, "LOCK", lock)
    monkeypatch.setattr(install, "_apt", apt)
    monkeypatch.setattr(install, "present", lambda service: next(present))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install.shutil, "which", lambda name: f"/usr/bin/{name}")
    lines: list[str] = []
    install.ensure("rabbitmq", lines.append)
    assert commands == [("update", True), ("install", True)]
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert [file.name for file in tmp_path.iterdir()] == ["policy-rc.d"]
    assert "installing it with apt-get" in lines[0]


def test_a_container_publishes_on_loopback_and_outlives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        ports: ClassVar[dict[str, object]] = {}

        def start(self) -> None:
            assert config.testcontainers_config.ryuk_disabled

        def get_container_id(self) -> str:
            return CONTAINER.id

    from testcontainers.core import config

    monkeypatch.setattr(config.testcontainers_config, "ryuk_disabled", False)
    box = Fake()
    assert containers._run(box, {5672: 20200, 15672: 20201}) == CONTAINER.id
    assert box.ports == {"5672/tcp": ("127.0.0.1", 20200), "15672/tcp": ("127.0.0.1", 20201)}
    assert CONTAINER.url == "amqp://backfill:box-secret@127.0.0.1:20200/"
    assert CONTAINER.management_url == "http://backfill:box-secret@127.0.0.1:20201"


@pytest.mark.parametrize("make", [containers._run_postgres, containers._run_rabbitmq])
def test_a_container_is_made_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[int, str], str]
) -> None:
    from testcontainers.core import container

    monkeypatch.setattr(container, "DockerClient", lambda: None)
    monkeypatch.setattr(containers, "_run", lambda box, published: f"{box.image} {box.port} {sorted(published)}")
    assert make(20200, "secret") in ("postgres:18 5432 [5432]", "rabbitmq:4-management 5672 [5672, 15672]")


def test_the_record_comes_back_as_it_was_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    servers = {"postgres": POSTGRES, "rabbitmq": CONTAINER}
    state.write(tmp_path, servers)
    assert state.read(tmp_path) == servers
    assert stat.S_IMODE((tmp_path / "services.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["services.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"postgres": ["mysql", {}]}', '{"postgres": ["postgres", {"a": 1}]}'])
def test_a_damaged_record_is_named_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "services.json").write_text(text)
    with pytest.raises(UsageError, match=r"services\.json is damaged .* remove the folder"):
        state.read(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another folder"):
        services.up(tmp_path / "file" / "services")


def test_given_urls_win_and_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://mq")
    found = services.up(tmp_path)
    assert (found.database_url, found.amqp_url, found.management_url) == (
        "postgresql://db",
        "amqp://mq",
        None,
    )
    assert private.answering(tmp_path) == {}
    assert state.read(tmp_path) == {}
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://mq")
    assert services.up(tmp_path).management_url == "http://mq"
    assert [line[:2] for line in services.status(tmp_path)] == [
        ("postgres", "given"), ("rabbitmq", "given"), ("management", "given"),
    ]  # fmt: skip


def test_one_given_url_leaves_the_other_service_to_us(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    state.write(tmp_path, {"rabbitmq": RABBITMQ})
    monkeypatch.setattr(Rabbitmq, "answers", lambda self: True)
    found = services.up(tmp_path)
    assert (found.database_url, found.amqp_url) == ("postgresql://db", RABBITMQ.url)
    assert found.management_url == RABBITMQ.management_url
    assert json.loads((tmp_path / private.FILE).read_text()) == {
        "rabbitmq_url": RABBITMQ.url,
        "rabbitmq_management_url": RABBITMQ.management_url,
    }
    assert stat.S_IMODE((tmp_path / private.FILE).stat().st_mode) == 0o600
    services.down(tmp_path)
    assert json.loads((tmp_path / private.FILE).read_text()) == {}


def test_a_node_whose_folder_was_removed_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    state.write(tmp_path, {"rabbitmq": RABBITMQ})
    monkeypatch.setattr(choice, "way", lambda service: "local")
    monkeypatch.setattr(Rabbitmq, "start", lambda self: None)
    found = services.up(tmp_path)
    assert found.amqp_url != RABBITMQ.url
    made = state.read(tmp_path)["rabbitmq"]
    try:
        assert isinstance(made, Rabbitmq)
        assert stat.S_IMODE((Path(made.home) / "home" / ".erlang.cookie").stat().st_mode) == 0o400
    finally:
        services.down(tmp_path, delete=True)


def test_nothing_runs_in_an_empty_folder_and_stopping_it_is_no_error(tmp_path: Path) -> None:
    assert private.answering(tmp_path) == {}
    assert services.down(tmp_path / "missing") == []
    assert services.down(tmp_path) == []
    assert [line[:3] for line in services.status(tmp_path)] == [
        ("postgres", "absent", ""),
        ("rabbitmq", "absent", ""),
    ]


def test_a_stopped_server_keeps_its_ports_unless_something_took_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert POSTGRES.on_free_port() == POSTGRES
    assert RABBITMQ.on_free_port() == RABBITMQ
    monkeypatch.setattr(ports, "is_free", lambda port: port not in (POSTGRES.port, RABBITMQ.port + 7))
    assert POSTGRES.on_free_port().port != POSTGRES.port
    assert RABBITMQ.on_free_port().port != RABBITMQ.port


def test_passwords_stay_out_of_representations() -> None:
    shown = services.Services(POSTGRES.url, RABBITMQ.url, RABBITMQ.management_url)
    assert "secret" not in f"{POSTGRES!r} {RABBITMQ!r} {CONTAINER!r} {shown!r}"


def test_the_command_shows_passwords_only_when_asked(tmp_path: Path) -> None:
    state.write(tmp_path, {"postgres": POSTGRES, "rabbitmq": RABBITMQ})
    run = CliRunner()
    arguments = ["status", "--folder", str(tmp_path)]
    assert "secret" not in run.invoke(command, arguments).output
    assert "pg-secret" in run.invoke(command, [*arguments, "--show-secrets"]).output
    printed = json.loads(run.invoke(command, [*arguments, "--json"]).output)
    assert [(entry["name"], entry["state"]) for entry in printed["services"]] == [
        ("postgres", "stopped"), ("rabbitmq", "stopped"), ("management", "stopped"),
    ]  # fmt: skip
    refused = run.invoke(command, [*arguments, "--export"])
    assert (refused.exit_code, refused.stdout) == (5, "")
    assert "postgres and rabbitmq not running" in refused.stderr


def test_services_live_under_the_projects_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BACKFILL_HOME", str(tmp_path))
    (tmp_path / "services").mkdir()
    state.write(tmp_path / "services", {"postgres": POSTGRES})
    assert "127.0.0.1:20001" in CliRunner().invoke(command, ["status"]).output


def test_free_ports_are_unusual_and_free() -> None:
    start = ports.free_block(16)
    assert ports.FIRST <= start <= ports.LAST - 16
    assert not any(ports.answers(port) for port in range(start, start + 16))


def test_debians_newest_programs_are_used_without_the_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch(mode=0o755)
    monkeypatch.setattr(programs, "DEBIAN_POSTGRES", tmp_path)
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda name: None)
    assert programs.postgres(None) == tmp_path / "17" / "bin"
    (tmp_path / "17/bin/postgres").unlink()
    assert programs.postgres(None) == tmp_path / "15" / "bin"


def test_root_lends_postgresql_an_account_and_anyone_else_runs_it_as_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account.lent() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert account.lent() in ("postgres", "nobody")
