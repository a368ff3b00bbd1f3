"""`python -m benchmarks [--json FILE]`: measure and print; see `options.py` for the environment."""

import importlib
import json
import signal
import sys
from pathlib import Path
from types import FrameType

from backfill import door
from benchmarks import machine, options, table
from benchmarks.arena import arena
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.parser import Parser


def main() -> int:
    """Always 0 once it has measured: a missed target is a figure, not an error."""
    door.guard()
    parser = Parser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    try:
        wanted = options.read()
    except ValueError as error:
        parser.error(str(error))
    signal.signal(signal.SIGTERM, _leave)
    figures: list[Figure] = []
    try:
        with arena() as place:
            facts = machine.facts(place)
            bench = Bench(place, wanted)
            for section in wanted.sections:
                figures += importlib.import_module(f"benchmarks.sections.{section}").measure(bench)
    except KeyboardInterrupt:
        door.line("Interrupted; everything that was started is stopped.", beside=True)
        return 130
    door.lines(f"{table.facts(facts)}\n\n{table.table(figures)}")
    if arguments.json:
        result = {"machine": facts, "options": vars(wanted), "figures": [figure.as_dict() for figure in figures]}
        arguments.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    # Through every `finally`, so that services and processes end as they do on Ctrl-C.
    del frame
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
