"""Prometheus' own checker, taken out of Debian's package: nothing is installed and no service started."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".backfill" / "tools"


def promtool() -> str:
    """The program's path, fetched once; without it the test that asks fails and says why."""
    if found := shutil.which("promtool"):
        return found
    kept = TOOLS / "promtool"
    if not kept.exists():
        try:
            _fetch(kept)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or ""
            pytest.fail(
                f"promtool is not here and cannot be fetched; install Prometheus: {error} {said}", pytrace=False
            )
    return str(kept)


def _fetch(to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        # As root, apt would download as another user, who may not write here.
        download = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "prometheus"]
        try:
            _run(*download, folder=folder)
        except subprocess.CalledProcessError:
            _run("apt-get", "-q", "update", folder=folder)  # the lists are older than the archive, or not there
            _run(*download, folder=folder)
        package = next(Path(folder).glob("prometheus_*.deb"))
        _run("dpkg", "-x", package.name, "unpacked", folder=folder)
        # In one step: another test run may be fetching it too.
        os.replace(Path(folder) / "unpacked/usr/bin/promtool", to)


def _run(*command: str, folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)


def check(*arguments: str, folder: Path | None = None, given: str = "") -> str:
    """Run it; its complaints become the failure."""
    done = subprocess.run(
        [promtool(), *arguments], cwd=folder, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"promtool {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout
