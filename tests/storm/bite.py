"""Whether storms notice: take one guard out of a copy of the tree, and play storms over that copy.

`python -m tests.storm.bite fence` takes one, `all` takes each alone; ends with 1 when one is gone and nothing notices.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ("backfill", "producers", "workers", "services", "sql", "tests")


@dataclass(frozen=True)
class Guard:
    """A condition, in each file that has it, and what is left when it is gone."""

    path: str
    stands: str
    gone: str
    why: str
    noticed_by: tuple[str, ...]  # checks of verdict.py


GUARDS: Final = {
    "version": Guard(
        "sql/target/apply_values.sql",
        "(({predicate}) IS TRUE AND {version} = c.version) AS is_current",
        "(({predicate}) IS TRUE AND c.version IS NOT NULL) AS is_current",
        "a value is written though the application has changed the row meanwhile",
        ("no_value_is_of_older_input",),
    ),
    "fence": Guard(
        "sql/ledger/partitions/lock.sql",
        "fence = $2 AND worker_id = $3 AND state",
        "$2::bigint IS NOT NULL AND $3::uuid IS NOT NULL AND state",
        "a worker writes a partition that another has claimed since",
        ("only_who_holds_a_partition_writes_it", "no_effect_comes_twice"),
    ),
    "state": Guard(
        "sql/schema/*.sql",
        "(p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp()))",
        "(p.state <> 'running')",
        "a partition that has ended is claimed again",
        ("processes", "no_effect_comes_twice"),
    ),
    "arrows": Guard(
        "sql/schema/*.sql",
        "IF NOT NEW.state = ANY (backfill_allowed_states(OLD.state)) THEN",
        "IF NEW.state IS NULL THEN",
        "a job takes any state, whatever it was",
        ("states_follow_the_arrows",),
    ),
    "pause": Guard(
        "sql/schema/*.sql",
        "      AND j.state IN ('pending', 'running', 'resuming')\n      AND ((p.state",
        "      AND ((p.state",
        "partitions of a job that is paused or given up are claimed",
        ("nothing_starts_while_it_may_not",),
    ),
    "where": Guard(
        "backfill/catalog.py",
        "condition.beside(self.definition, self.mode.predicate(looked_at))",
        "self.mode.predicate(looked_at)",
        "records are written that the definition's where leaves out",
        ("only_what_is_selected_is_written",),
    ),
    "turns": Guard(
        "sql/functions/take_calls.sql",
        "greatest(l.next_at, l.held_until,",
        "greatest(moment, l.held_until,",
        "each worker calls the service as if it was alone",
        ("calls_are_within_the_limit",),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guard", choices=[*GUARDS, "all"])
    parser.add_argument("--seeds", default="1-25,118,282,1001-1060")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--without", default="")
    options = parser.parse_args()
    unnoticed = []
    for name in GUARDS if options.guard == "all" else [options.guard]:
        print(f"Without {name}: {GUARDS[name].why}.", flush=True)
        if not _notices(GUARDS[name], options):
            unnoticed.append(name)
    for name in unnoticed:
        print(f"No storm of {options.seeds} noticed that {name} is gone.")
    return 1 if unnoticed else 0


def _notices(guard: Guard, options: argparse.Namespace) -> bool:
    """Play until the first storm that fails for the right reason."""
    with tempfile.TemporaryDirectory(prefix="storm-bite-") as folder:
        copy = Path(folder)
        for name in CODE:
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        found = [path for path in copy.glob(guard.path) if guard.stands in path.read_text()]
        assert found, f"{guard.path} has changed: {guard.stands!r} is not there"
        for path in found:  # a later file may define a function anew
            path.write_text(path.read_text().replace(guard.stands, guard.gone))
        command = [sys.executable, "-m", "tests.storm.run", f"--seeds={options.seeds}", f"--jobs={options.jobs}"]
        command += [f"--without={options.without}", f"--until={','.join(guard.noticed_by)}"]
        return subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": folder}, check=False).returncode == 1


if __name__ == "__main__":
    sys.exit(main())
