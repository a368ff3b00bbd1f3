"""Stands in for `backfill monitor --profile WHAT --json`, and does what the name of the profile says."""

import json
import os
import sys
import time

from backfill.monitor.render.as_json import as_json
from tests.support.reports import load


def main(what: str) -> None:
    """As a program."""
    if what == "report":
        print(json.dumps({"schema_version": 1, **as_json(load())}))
    elif what == "mistake":
        print(json.dumps({"error": {"text": "there is no profile 'x'; write one", "exit_code": 3}}))
        sys.exit(3)
    elif what == "flood":
        for _ in range(200):
            print("x" * 100_000)
            print("y" * 100_000, file=sys.stderr)
    elif what == "killed":
        os.kill(os.getpid(), 9)
    elif what == "hang":
        print(os.getpid(), file=sys.stderr, flush=True)
        time.sleep(600)
    elif what == "other":
        print("[]")
    else:
        print(f"Traceback\nError: \x1b[31m{what}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--profile") + 1])
