"""With --json there is always one object on stdout, whatever was wrong; the sentence is on stderr as ever."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from tests.support import reference

ROOT = Path(__file__).parents[2]
NOWHERE = {"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:9/db", "RABBITMQ_URL": "amqp://u:hunter2@127.0.0.1:9/"}
COMMANDS = {name: command for name, command in reference.commands() if any(p.name == "as_json" for p in command.params)}
# What a call needs to be whole.
MORE = {
    "backfill set": ["--pause-ms=1"],
    "backfill sql": ["jobs", "--run"],
    "backfill workers stop": ["--all"],
    "backfill limits release": ["service"],
    "backfill dead show": ["0123456789ab"],
    "backfill dead redrive": ["--all"],
    "backfill dead purge": ["--all", "--yes"],
    "backfill drip": ["http://127.0.0.1:9", "--times=1"],
    "backfill token create": ["ada"],
    "backfill token revoke": ["ada"],
}
NEVER_FAIL = {"backfill settings", "backfill services up", "backfill monitor"}
ENTRIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def call(command: click.Command, *arguments: str, **env: str) -> Result:
    return CliRunner(env=NOWHERE | env).invoke(command, list(arguments), prog_name=command.name)


def is_told(result: Result, code: int) -> dict[str, Any]:
    """The one object of an error, held against the exit code."""
    assert result.exit_code == code, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["schema_version"] == 1
    assert answer["error"]["exit_code"] == code
    assert set(answer) == {"schema_version", "error"}
    assert set(answer["error"]) == {"text", "exit_code"}
    assert answer["error"]["text"].splitlines()[0] in result.stderr
    assert "hunter2" not in result.output
    return answer


def named(name: str) -> tuple[click.Command, list[str]]:
    program, *words = name.split()
    return (queue if program == "backfill-queue" else backfill), words


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_option_is_an_object_too(name: str) -> None:
    command, words = named(name)
    assert "No such option" in is_told(call(command, *words, "--json", "--nonsense"), 2)["error"]["text"]


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NEVER_FAIL))
def test_what_fails_is_an_object(name: str, tmp_path: Path) -> None:
    command, words = named(name)
    more = MORE.get(name, [])
    takes_job = any(isinstance(one, click.Argument) and one.name == "job" for one in COMMANDS[name].params)
    job = ["latest"] if takes_job else []
    env = {"BACKFILL_APP": "backfill.examples.names", "BACKFILL_HOME": str(tmp_path)}
    if name == "backfill services status":
        env["BACKFILL_LEASE_SECONDS"] = "soon"
        is_told(call(command, *words, "--json", **env), 2)
    else:
        is_told(call(command, *words, *job, *more, "--json", **env), 5)


@pytest.mark.parametrize(
    "arguments",
    [["--mode=most"], ["--limit=0"], ["a", "b"], ["--resume=latest", "--mode=all"], ["--app=no.such.module"]],
)
def test_a_wrong_call_of_the_producer_is_an_object(arguments: list[str]) -> None:
    is_told(call(queue, *arguments, "--json"), 2)


@pytest.mark.parametrize("arguments", [["nonsense", "--json"], ["set", "latest", "--json"], ["retry", "--json"]])
def test_so_is_a_wrong_call_of_the_others(arguments: list[str]) -> None:
    is_told(call(backfill, *arguments), 2)


def test_without_json_stdout_stays_empty() -> None:
    for result in (call(backfill, "status", "--nonsense"), call(backfill, "status")):
        assert result.stdout == ""
        assert len([line for line in result.stderr.splitlines() if line.lower().startswith("error: ")]) == 1


def test_help_and_version_succeed() -> None:
    for arguments in (["--help"], ["--version"], ["status", "--help"]):
        assert call(backfill, *arguments).exit_code == 0


# --- Ctrl-C, from the first import on


@pytest.fixture
def interrupted(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a console script whose import of that module is met by a Ctrl-C."""

    def run(script: str, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / f"{module}.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)\n")
        place, _, function = ENTRIES[script].partition(":")
        code = f"import sys; from {place} import {function}; sys.exit({function}())"
        path = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin", "BACKFILL_APP": "backfill.examples.names"}
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=path | NOWHERE, check=False
        )

    return run


@pytest.mark.parametrize("script", ENTRIES)
def test_ctrl_c_while_a_command_is_imported_is_a_word_and_an_exit_code(
    script: str, interrupted: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    ended = interrupted(script, "click")
    # A worker that has nothing in hand yet has done what it is told to do.
    expected = (0, "") if script == "backfill-worker" else (130, "interrupted\n")
    assert (ended.returncode, ended.stderr) == expected


def test_so_is_one_while_the_network_libraries_are_imported(
    interrupted: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    ended = interrupted("backfill", "asyncpg", "status")
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_the_package_gives_what_a_definition_needs_and_nothing_else() -> None:
    import backfill as package
    from backfill.column_backfill import ColumnBackfill

    assert package.ColumnBackfill is ColumnBackfill
    assert {name for name in package.__all__ if getattr(package, name)} == set(package.__all__)
    with pytest.raises(AttributeError, match="'backfill' has no attribute 'Nonsense'"):
        _ = package.Nonsense
