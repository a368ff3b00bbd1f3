"""The service of the examples as a process of its own, and what it has seen."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.commands import ROOT


@contextmanager
def service(rate: int) -> Iterator[str]:
    """Its URL; it takes so many calls in any second."""
    command = [sys.executable, "-m", "backfill.examples.service", "--rate", str(rate)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), "the service did not start"
            yield url
        finally:
            process.terminate()


def seen(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/counts", timeout=10) as response:  # noqa: S310
        found: dict[str, Any] = json.load(response)
        return found
