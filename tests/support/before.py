"""The programs of the version before this one, to try them on this one's ledger."""

import io
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from backfill import schema, statements

ROOT = Path(__file__).parents[2]
PROGRAM = """#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


def programs(folder: Path) -> dict[str, str]:
    """What makes a command one of the tree before the ledger's newest file was added.

    Of this tree where there is no history to take it from, as in an export or a shallow clone.
    """
    newest = next(statements.FOLDER.glob(f"schema/{schema.NEWEST:03}_*.sql"))
    added = _git("log", "--diff-filter=A", "--format=%H", "--max-count=1", "--", f"sql/schema/{newest.name}").decode()
    # Not committed yet: then this is the version that comes next.
    commit = f"{added.strip()}^" if added.strip() else "HEAD"
    archive = _git("archive", commit, "backfill", "producers", "workers", "sql", "pyproject.toml")
    if not archive:
        assert _git("rev-parse", "--is-shallow-repository").strip() != b"false", f"the history has no {commit}"
        return {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name, entry in tomllib.loads((folder / "pyproject.toml").read_text())["project"]["scripts"].items():
        module, _, function = entry.partition(":")
        program = bin_folder / name
        program.write_text(PROGRAM.format(python=sys.executable, module=module, function=function))
        program.chmod(0o755)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "TEST_PROGRAMS": str(bin_folder)}


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else b""
