"""Standard input, read as it comes and never waited for longer than a look may take."""

import io
import math
import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from weakref import WeakKeyDictionary

from backfill.monitor.logs.lines import Block, Cutter
from backfill.monitor.logs.opened import GZIP
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.tally import Tally

PIECE: Final = 256 * 1024
STEP: Final = 0.05
IDLE: Final = 2.0  # seconds without a byte more, after which the look goes on


@dataclass
class Stream:
    """What was read of one, for as long as it is there."""

    cutter: Cutter = field(default_factory=Cutter)
    tally: Tally = field(default_factory=Tally)
    size: int = 0
    is_ended: bool = False
    is_packed: bool = False


STREAMS: Final[WeakKeyDictionary[BinaryIO, Stream]] = WeakKeyDictionary()


def read(source: BinaryIO, scanner: Scanner, is_time_up: Callable[[], bool]) -> Stream:
    """Read on until it ends, nothing comes for a while, or the time is up; raises OSError."""
    stream = STREAMS.setdefault(source, Stream())
    if stream.is_ended:
        return stream
    for piece in _pieces(source, stream, is_time_up):
        if stream.size == 0 and piece.startswith(GZIP):
            stream.is_packed = stream.is_ended = True
            return stream
        stream.size += len(piece)
        for block in stream.cutter.feed(piece):
            scanner.scan(block, stream.tally)
    if stream.is_ended and (half := stream.cutter.half):
        scanner.scan(Block(stream.cutter.offset, half + b"\n"), stream.tally)
    return stream


def _pieces(source: BinaryIO, stream: Stream, is_time_up: Callable[[], bool]) -> Iterator[bytes]:
    try:
        descriptor = source.fileno()
    except (OSError, ValueError, io.UnsupportedOperation):
        descriptor = None
    while descriptor is None or _comes(descriptor, is_time_up, idle=IDLE if stream.size else None):
        piece = os.read(descriptor, PIECE) if descriptor is not None else source.read(PIECE)
        if not piece:
            stream.is_ended = True
            return
        yield piece
        if is_time_up():
            return


def _comes(descriptor: int, is_time_up: Callable[[], bool], idle: float | None) -> bool:
    """Whether there is more; what writes it may take its time for the first byte."""
    idle_at = time.monotonic() + idle if idle is not None else math.inf
    while not select.select([descriptor], [], [], STEP)[0]:
        if is_time_up() or time.monotonic() >= idle_at:
            return False
    return True
