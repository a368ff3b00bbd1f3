"""The programs of the version before this one, from its wheel, to try them on this one's ledger."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from backfill import schema, statements

ROOT = Path(__file__).parents[2]


def programs(folder: Path) -> dict[str, str]:
    """What makes a command one of the tree before the ledger's newest file was added.

    Of this tree where there is no history to take it from, as in an export or a shallow clone.
    """
    newest = next(statements.FOLDER.glob(f"schema/{schema.NEWEST:03}_*.sql"))
    added = _git("log", "--diff-filter=A", "--format=%H", "--max-count=1", "--", f"sql/schema/{newest.name}").decode()
    # Not committed yet: then this is the version that comes next.
    commit = f"{added.strip()}^" if added.strip() else "HEAD"
    archive = _git("archive", commit)
    if not archive:
        assert _git("rev-parse", "--is-shallow-repository").strip() != b"false", f"the history has no {commit}"
        return {}
    source, installed = folder / "source", folder / "installed"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(source, filter="data")
    # A wheel, as users have it. What it needs is the same and is here.
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--target", installed, source], timeout=120, check=True
    )
    return {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]), "TEST_PROGRAMS": str(installed / "bin")}


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else b""
