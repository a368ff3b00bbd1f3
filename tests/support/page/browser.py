"""The browser that looks at the page: Debian's Chromium, installed where it is missing and we may."""

import os
import shutil
import subprocess
from typing import Final

ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars",
]  # fmt: skip
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
INSTALL_SECONDS: Final = 600


def ensure() -> str:
    """The program's path; raises RuntimeError with what to do where it is not there and cannot be installed."""
    if found := _found():
        return found
    advice = "tests of the page need Chromium: apt-get install -y chromium"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError(advice)
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"{advice}; it failed here: {done.stderr.strip()[-500:]}")
    if found := _found():
        return found
    raise RuntimeError(advice)


def _found() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
