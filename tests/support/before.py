"""The programs of the version before this one, to try them on this one's ledger."""

import io
import subprocess
import tarfile
from pathlib import Path

from backfill import schema, statements

ROOT = Path(__file__).parents[2]


def unpack(folder: Path) -> Path:
    """The tree before the ledger's newest file was added; this tree where there is no history, as in an export."""
    newest = next(statements.FOLDER.glob(f"schema/{schema.NEWEST:03}_*.sql"))
    added = _git("log", "--diff-filter=A", "--format=%H", "--max-count=1", "--", f"sql/schema/{newest.name}").decode()
    # Not committed yet: then this is the version that comes next.
    commit = f"{added.strip()}^" if added.strip() else "HEAD"
    archive = _git("archive", commit, "backfill", "producers", "workers", "sql")
    if not archive:
        return ROOT
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else b""
