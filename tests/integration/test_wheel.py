"""The wheel in an environment of its own, beside a project that has packages of every name that we have."""

import asyncio
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.world import World

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
NAMES = ("workers", "producers", "services", "examples", "web", "sql", "tests")
DEFINITION = """
from collections.abc import Mapping
from typing import Any

from backfill import ColumnBackfill


class Mine(ColumnBackfill):
    name = "mine"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"value": 1}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel holds, and nothing else."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, tracked.split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--target", folder, source], timeout=120, check=True
    )
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project: its packages are called as ours, each has a definition, and one module asks for them all."""
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "mine.py").write_text(DEFINITION)
    everything = "".join(f"import {name}.mine\nassert {name}.mine.Mine.name == 'mine'\n" for name in NAMES)
    (tmp_path / "app.py").write_text(f"{everything}\nMine = workers.mine.Mine\n")
    return tmp_path


def test_the_page_is_in_it_whole(installed: Path) -> None:
    page = ROOT / "web" / "page"
    files = {path.relative_to(page) for path in page.rglob("*") if path.is_file()}
    assert Path("index.html") in files
    for file in files:
        assert (installed / "backfill" / "web" / "page" / file).read_bytes() == (page / file).read_bytes(), file


def test_one_name_is_installed(installed: Path) -> None:
    found = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert found == {"backfill", "bin"}
    assert (installed / "backfill" / "py.typed").is_file()
    assert (installed / "backfill" / "services" / "__init__.py").is_file()
    assert (installed / "backfill" / "testing" / "plugin.py").is_file()
    assert not [path for path in installed.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize("app", ["app", "services.mine"])
async def test_a_project_may_have_packages_of_our_names(world: World, installed: Path, project: Path, app: str) -> None:
    await world.rows(3)
    # Neither this checkout nor its editable install: only what both of them need.
    libraries = sysconfig.get_path("purelib")
    env = {**world.env, "PYTHONPATH": f"{installed}:{libraries}", "BACKFILL_APP": f"{app}:Mine"}
    for program, *options in (("backfill-queue",), ("backfill-worker", "--burst"), ("backfill", "list")):
        command = [installed / "bin" / program, *options]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=project, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 3
    world.checked = True


def test_a_users_type_checker_sees_our_types(installed: Path, project: Path) -> None:
    (project / "wrong.py").write_text(DEFINITION.replace('{"value": 1}', "1"))
    env = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"}

    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-incremental",
        "--config-file=",
        "workers/mine.py",
        "wrong.py",
    ]
    said = subprocess.run(mypy, cwd=project, env=env, capture_output=True, text=True, check=False).stdout
    assert re.match("wrong.py:.*Incompatible return value type", said)
    assert "Found 1 error in 1 file (checked 2 source files)" in said
