"""However a log is cut into chunks and looks, it adds up to the same; and no bytes make a look fail."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backfill.monitor.logs import places, ranges, runs
from backfill.monitor.logs.lines import Cutter
from backfill.monitor.logs.ranges import Ranges
from backfill.monitor.logs.saying import Reader
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.patterns import compiled

PATTERNS = compiled({})
WRITTEN = 1_795_694_400.0  # 2026-11-26T12:00:00Z
RANGES: TypeAdapter[Ranges] = TypeAdapter(Ranges)
TALLIES: TypeAdapter[Tally] = TypeAdapter(Tally)


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    """As if the logs were large: times are looked at here and there only, and the tail is read first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "CLOSE", 64)
        patch.setattr(places, "NEAR", 256)
        patch.setattr(places, "NEAR_CELL", 32)
        patch.setattr(places, "FAR_CELL", 64)
        yield


@dataclass
class File:
    """What a log is to those who read it."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]

    def data_from(self, offset: int) -> int:
        """As a file system that keeps no zeros."""
        return self.size - len(self.data[offset:].lstrip(b"\0"))


def scanner() -> Scanner:
    return Scanner(PATTERNS, Reader(PATTERNS, 3, "load"), Stamps("UTC", WRITTEN))


def at_once(data: bytes) -> Tally:
    tally, cutter, scan = Tally(), Cutter(), scanner()
    for block in cutter.feed(data):
        scan.scan(block, tally)
    return tally


def told(tally: Tally) -> dict[str, Any]:
    return TALLIES.dump_python(tally, mode="json")  # type: ignore[no-any-return]


times = st.integers(0, 200_000).map(lambda second: WRITTEN - second)
stamps = st.one_of(
    st.just(""),
    times.map(lambda at: f"{at:.3f} "),
    st.integers(0, 86_399).map(lambda s: f"2026-11-2{s % 7} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} "),
    st.integers(0, 86_399).map(lambda s: f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} worker.{s % 3} | "),
)
bodies = st.one_of(
    st.builds("Worker {}: {}% complete".format, st.integers(0, 4), st.integers(0, 120)),
    st.builds("Worker {}: block {:,}".format, st.integers(0, 4), st.integers(0, 10**20)),
    st.builds('{{"worker":{},"progress":{}}}'.format, st.integers(0, 3), st.floats(0, 2)),
    st.builds("[{:,}] Rate: 7.0/sec | Updated: 9 | Skipped: 9 | Errors: 0".format, st.integers(0, 10**6)),
    st.builds("Attempt {} failed: HTTP 503".format, st.integers(1, 5)),
    st.sampled_from(
        [
            "Worker 2 finished",
            "All done.",
            "FATAL out of memory",
            "recovered after 2 attempts",
            "reorg at 7",
            "0 errors",
        ]
    ),
    st.text(max_size=40),
    st.just("\x1b[31mERROR\x1b[0m \x1b[1mWorker 3\x1b[0m: 61.2\x1b[0m%"),
    st.just("\0" * 30),
)
lines = st.builds("{}{}{}".format, stamps, bodies, st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"]))
logs = st.lists(lines, max_size=40).map(lambda made: "".join(made).encode("utf-8", "surrogatepass"))
cuts = st.lists(st.integers(1, 400), min_size=1, max_size=30)


@given(logs, cuts)
def test_a_log_adds_up_to_the_same_in_chunks_of_any_size(data: bytes, sizes: list[int]) -> None:
    tally, cutter, scan = Tally(), Cutter(), scanner()
    at = 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        for block in cutter.feed(data[at : at + size]):
            scan.scan(block, tally)
        at += size
    assert told(tally) == told(at_once(data))


@given(logs, st.lists(st.integers(0, 3_000), max_size=8), st.data())
def test_a_log_that_grows_adds_up_to_the_same_in_looks_that_are_interrupted(
    data: bytes, grown: list[int], drawn: st.DataObject
) -> None:
    read = Ranges()
    kept, ranges.CHUNK = ranges.CHUNK, drawn.draw(st.integers(1, 500))
    try:
        for size in [*sorted(min(one, len(data)) for one in grown), *[len(data)] * 10_000]:
            steps = iter(range(drawn.draw(st.integers(0, 5))) if size < len(data) else range(1_000))
            read.read(File(data[:size]), scanner(), lambda steps=steps: next(steps, None) is None, tail=100)
            read = RANGES.validate_python(json.loads(json.dumps(RANGES.dump_python(read, mode="json"))))
            if size == len(data) and read.back is None:
                break
    finally:
        ranges.CHUNK = kept
    assert read.back is None
    assert told(read.front) == told(at_once(data))


plain = st.builds(
    "{}Worker {}: {}\n".format,
    st.one_of(st.just(""), times.map(lambda at: f"[{at:.0f}] INFO "), times.map(lambda at: f"{at:.3f} ")),
    st.integers(0, 2),
    st.one_of(
        st.integers(0, 1_001).map(lambda tenth: f"{tenth / 10}%"),
        st.integers(0, 100).map(lambda percent: f"{percent}% complete"),
        st.integers(0, 10_000).map(lambda block: f"Block {block:,}"),
        st.sampled_from(["5% ERROR", "done", "block 5 of 7", "page 10,00", "cpu 5%"]),
    ),
)


@given(st.lists(plain, min_size=5, max_size=60).map(lambda made: "".join(made).encode()))
def test_the_plainest_lines_counted_together_add_up_to_what_they_do_one_by_one(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "end", lambda text, start, most: start)
        one_by_one = told(at_once(data))
    assert told(at_once(data)) == one_by_one


@settings(max_examples=300)
@given(st.binary(max_size=3_000))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert told(at_once(data + b"\n"))["lines"] == data.count(b"\n") + 1
