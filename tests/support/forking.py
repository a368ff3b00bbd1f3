"""Processes of our commands that begin where the imports have been done: each is forked, none starts an interpreter.

They are processes like any other: with a pid, signals, a session, an environment and an exit code of their own. What
starts an interpreter, and which one, is tried where the programs themselves are run: out of a wheel, by the demo, in
the shell of the runbook and of the README.

Run as a script this file is the parent of them all. It speaks over one socket: a request is the environment and the
command line, with the file for the output and a socket on which it tells the pid, and later how the process ended.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

MODULES: Final = {
    "backfill": "backfill.entry",
    "backfill-queue": "backfill.producers.entry",
    "backfill-serve": "backfill.web.entry",
    "backfill-worker": "backfill.workers.entry",
}
LONGEST: Final = 1 << 20  # of a request


# --- whoever asks


class Forked:
    """A process as `subprocess.Popen` gives it, as far as `Command` asks."""

    def __init__(
        self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], output: int, cwd: Path | None
    ) -> None:
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = str(Path(sys.executable).parent / name)
        where = str((cwd or Path()).absolute())
        request = json.dumps({"argv": [program, *arguments], "env": dict(environment), "cwd": where}).encode()
        with theirs:
            socket.send_fds(_parent(), [request], [output, theirs.fileno()])
        self.pid = int(self._status.recv(64))
        self._code: int | None = None
        self._asking = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, as that of `subprocess`; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _look(self, seconds: float) -> int | None:
        # In small steps, so that one who waits long keeps nobody who only looks.
        until = time.monotonic() + seconds
        while True:
            with self._asking:
                left = max(0.0, until - time.monotonic())
                if self._code is None and select.select([self._status], [], [], min(left, 0.02))[0]:
                    told = self._status.recv(64)
                    assert told, "the parent of forked commands has gone"
                    self._code = int(told)
                    self._status.close()
            if self._code is not None or time.monotonic() >= until:
                return self._code


def can_fork(name: str, environment: Mapping[str, str]) -> bool:
    """Whether an interpreter of its own would be no different: its program is ours, and so are its settings."""
    own, asked = ({k: v for k, v in of.items() if _is_for_the_start(k)} for of in (os.environ, environment))
    return name in MODULES and "TEST_PROGRAMS" not in environment and own == asked


def _is_for_the_start(variable: str) -> bool:
    """Whether an interpreter reads it before any program of ours does; a path of modules can be set later."""
    return variable.startswith(("PYTHON", "LC_", "LANG")) and variable != "PYTHONPATH"


_ours: socket.socket | None = None


def _parent() -> socket.socket:
    """The socket to the parent of all commands of this process, started when it is first needed."""
    global _ours
    if _ours is None:
        _ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(_end, _ours, process)
    return _ours


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    ours.close()  # that is how it notices
    process.wait(10)


# --- the parent of them all


def main() -> None:
    """Fork whatever is asked for until nobody can ask any more."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _import_everything()
    gc.freeze()  # or each child's end would walk, and so copy, all that was imported
    children: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that tells of their end
    while True:
        for ready in select.select([control, *children], [], [])[0]:
            if ready is not control:
                _bury(*children.pop(ready), ready)
                continue
            text, passed, _, _ = socket.recv_fds(control, LONGEST, 2)
            if not text:
                return
            output, told = passed[0], socket.socket(fileno=passed[1])
            pid = os.fork()
            if not pid:
                for descriptor, (_, other) in children.items():
                    os.close(descriptor)
                    other.close()
                told.close()
                control.close()
                _become(json.loads(text), output)
            os.close(output)
            told.send(str(pid).encode())
            children[os.pidfd_open(pid)] = (pid, told)


def _bury(pid: int, told: socket.socket, descriptor: int) -> None:
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    with told:
        try:
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
        except BrokenPipeError:
            return  # nobody waits for it any more


def _import_everything() -> None:
    import backfill

    folder = Path(backfill.__file__).parent
    files = [file for file in (*folder.glob("*.py"), *folder.glob("*/*.py")) if "examples" not in file.parts]
    names = {".".join(("backfill", *file.relative_to(folder).with_suffix("").parts)) for file in files}
    for name in sorted(name.removesuffix(".__init__") for name in names):
        importlib.import_module(name)
    importlib.import_module("prometheus_client")


def _become(request: dict[str, object], output: int) -> NoReturn:
    """Be that command, from its first line to its last word."""
    argv, env = request["argv"], request["env"]
    assert isinstance(argv, list)
    assert isinstance(env, dict)
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = argv
    # As for any script: its folder first, then PYTHONPATH; without the folder of this file.
    paths = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    program = Path(argv[0])
    sys.path[:] = [str(program.parent), *paths, *(path for path in sys.path[1:] if path not in paths)]
    if env.get("BACKFILL_FAILPOINT"):
        importlib.reload(importlib.import_module("backfill.failpoints"))  # it reads the environment once
    end_with(_exit_code(importlib.import_module(MODULES[program.name]).main))


def _exit_code(main: Callable[[], object]) -> object:
    """What the command asked to end with; any other exception is the interpreter's, as ever."""
    try:
        main()
    except SystemExit as ended:
        return ended.code
    return 0


def end_with(code: object) -> NoReturn:
    """As an interpreter ends, but for taking every imported module apart: half of what a short command costs."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]  # threads that are no daemons may finish
    atexit._run_exitfuncs()
    gc.collect()  # what the command itself has left behind may complain
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
