"""What runs in a process that computes for a worker: it imports the definition by its name, and is given rows.

Nothing is inherited from the worker but its environment and where it writes. It minds no signal that a terminal sends
to the whole group, as the worker decides when it ends; and it ends with the worker, whatever ended that.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, MutableSequence, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from backfill import door, parameters, texts
from backfill.column_backfill import ColumnBackfill
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.sending import UnsendableError, sendable
from backfill.workers.computing.straight import Straight

IMPORTING: Final = -1  # in the place of a record's place
MOST_KNOWN: Final = 8  # definitions with their parameters
PR_SET_PDEATHSIG: Final = 1
LOOK_SECONDS: Final = 1.0  # whether the worker still is there, where the system does not tell

Progress = MutableSequence[float]  # first place, number of records, since when; the last is 0 while nothing is computed


@dataclass(frozen=True)
class Order:
    """Which definition, with which parameters, and the columns to give."""

    module: str
    kind: str
    parameters: str  # JSON
    fingerprint: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why nothing could be computed."""

    text: str
    is_former: bool  # the worker's definition: others may have the one of the files


Answer: TypeAlias = Outcomes | Refusal | UnsendableError


def ordered(definition: ColumnBackfill, names: Sequence[str]) -> Order:
    kind = type(definition)
    given = json.dumps(parameters.stored(definition), sort_keys=True)
    return Order(kind.__module__, kind.__qualname__, given, definition.fingerprint(), tuple(names))


# --- in the process

_progress: Progress = [0.0, 0.0, 0.0]
_known: dict[Order, Straight] = {}


def serve(questions: Any, progress: Progress, worker: int) -> None:
    """Answer until the worker asks no more."""
    begin(progress, worker)
    while True:
        answer: Answer
        try:
            order, rows, until = questions.recv()
            answer = work(order, rows, until)
        except EOFError:
            return
        except Exception as error:  # what was sent cannot be read here
            answer = UnsendableError(texts.in_a_line(error))
        try:
            questions.send(answer)
        except OSError:
            return
        except Exception as error:  # packed before anything is written
            questions.send(UnsendableError(texts.in_a_line(error)))


def begin(progress: Progress, worker: int) -> None:
    """Before anything else."""
    global _progress
    door.guard()
    _progress = progress
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    if not _is_told_of_the_end():
        threading.Thread(target=_end_with, args=(worker,), daemon=True).start()
    if os.getppid() != worker:  # it has ended before
        os._exit(1)


def work(order: Order, rows: Sequence[Mapping[str, Any]], until: float) -> Outcomes | Refusal:
    """Compute until nothing is left or time is over, by the clock that all processes have in common."""
    straight = _known.get(order)
    if straight is None:
        _begin(IMPORTING, 0)
        try:
            straight = Straight(_definition(order), order.names, _begin, _end)
        except _ChangedError:
            return Refusal(
                f"is left to other workers: the files of {order.module}:{order.kind} have changed since this one was "
                "started; start it again",
                is_former=True,
            )
        except BaseException as error:  # whatever a module of the user's raises
            why = texts.in_a_line(error)
            return Refusal(
                f"a process that computes cannot import {order.module}:{order.kind} ({why})", is_former=False
            )
        finally:
            _end()
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[order] = straight
    outcomes = straight.work(rows, lambda: time.monotonic() > until)
    for place, found in list(outcomes.values.items()):
        try:
            outcomes.values[place] = tuple(map(sendable, found))
        except UnsendableError as error:
            del outcomes.values[place]
            outcomes.failed[place] = "UnsendableError", f"what it computed cannot be sent to the worker: {error}"
    return outcomes


class _ChangedError(Exception):
    """The files are not those that the worker was started with."""


def _definition(order: Order) -> ColumnBackfill:
    found: Any = importlib.import_module(order.module)
    for name in order.kind.split("."):
        found = getattr(found, name)
    definition: ColumnBackfill = found()
    if definition.fingerprint() != order.fingerprint:
        raise _ChangedError
    return parameters.of_job(definition, json.loads(order.parameters))


def _begin(first: int, number: int) -> None:
    _progress[2] = 0.0
    _progress[0], _progress[1] = first, number
    _progress[2] = time.monotonic()


def _end() -> None:
    _progress[2] = 0.0


def _is_told_of_the_end() -> bool:
    """Have the system kill this process when the worker's main thread ends, whatever a definition does meanwhile."""
    if sys.platform != "linux":
        return False
    with suppress(Exception):
        prctl: Any = partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG)
        return bool(prctl(int(signal.SIGKILL), 0, 0, 0) == 0)
    return False


def _end_with(worker: int) -> None:
    while os.getppid() == worker:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
