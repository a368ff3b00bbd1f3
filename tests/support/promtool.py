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
        try:
            package = _download(folder)
        except subprocess.CalledProcessError:
            _run("apt-get", "-q", "update", folder=folder)  # the lists are older than the archive, or not there
            package = _download(folder)
        _run("dpkg", "-x", package, "unpacked", folder=folder)
        # In one step: another test run may be fetching it too.
        os.replace(Path(folder) / "unpacked/usr/bin/promtool", to)


def _download(folder: str) -> str:
    """Fetch the package that has it: one of its own since Debian 13."""
    shown = subprocess.run(["apt-cache", "show", "promtool"], capture_output=True, timeout=60, check=False)
    package = "promtool" if shown.returncode == 0 else "prometheus"
    # As root, apt would download as another user, who may not write here.
    _run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package, folder=folder)
    return next(Path(folder).glob(f"{package}_*.deb")).name


def _run(*command: str, folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)


def check(*arguments: str, folder: Path | None = None, given: str = "") -> str:
    """Run it; its complaints become the failure."""
    done = subprocess.run(
        [promtool(), *arguments], cwd=folder, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"promtool {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout
