"""Answers as what works off records does, with more than a pipe holds: `python -m tests.support.talkative`."""

import json
import os
import sys
from typing import Final

JOBS: Final = 5_000

if __name__ == "__main__":
    order = json.loads(sys.stdin.read())
    with os.fdopen(order["answer"], "w") as pipe:
        pipe.write(json.dumps({"jobs": [f"{number:036}" for number in range(JOBS)], "actor": order["actor"]}))
