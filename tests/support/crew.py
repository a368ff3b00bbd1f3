"""Several processes that share a load and write how far they are to one log, as somebody else's script would.

`python tests/support/crew.py FOLDER COUNT`: worker N writes `Worker N: 12.3% complete` to `load.log` and its pid to
`worker-N.pid`; all stay below 60 % until there is a file `go`. A worker that dies is started again once there is a file
`again`, and goes on where it was. When all have finished the last line says so.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

OFTEN = 0.05  # seconds between lines
SLOW, FAST = 0.05, 10.0  # percent a line


def main(folder: Path, count: int) -> None:
    (folder / "crew.pid").write_text(str(os.getpid()))
    pids = {start(folder, number): number for number in range(count)}
    write(folder, f"Starting {count} workers")
    while pids:
        pid, status = os.wait()
        number = pids.pop(pid)
        if status:
            write(folder, f"Worker {number} exited with signal {os.WTERMSIG(status)}")
            while not (folder / "again").exists():
                time.sleep(OFTEN)
            pids[start(folder, number)] = number
    write(folder, "All workers finished")


def start(folder: Path, number: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    put(folder / f"worker-{number}.pid", str(os.getpid()))
    reached = folder / f"worker-{number}.percent"
    percent = float(reached.read_text()) if reached.exists() else 40.0 + number
    while percent < 100:
        time.sleep(OFTEN)
        is_let_go = (folder / "go").exists()
        percent = min(100.0, percent + FAST) if is_let_go else min(60.0, percent + SLOW)
        put(reached, str(percent))
        write(folder, f"Worker {number}: {percent:.2f}% complete")
    os._exit(0)


def put(path: Path, text: str) -> None:
    """Whole, wherever this process is killed."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def write(folder: Path, text: str) -> None:
    line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n"
    with open(folder / "load.log", "ab", buffering=0) as log:  # one write a line: those of others stay whole
        log.write(line.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
