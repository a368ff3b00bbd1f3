"""A log that two sources of a profile find is counted once."""

from collections.abc import Sequence
from dataclasses import replace

from backfill.monitor.readings import Problem, Reading
from backfill.texts import counted


def once(readings: Sequence[Reading]) -> list[Reading]:
    """The same readings, without what those tell whose files another one has read as well.

    Of two that have read the same the first counts; of two that share a part of it both do, and say so.
    """
    return [_alone(place, one, readings) for place, one in enumerate(readings)]


def _alone(place: int, one: Reading, readings: Sequence[Reading]) -> Reading:
    files = set(one.files)
    for other_place, other in enumerate(readings):
        theirs = set(other.files)
        if other_place == place or not files & theirs:
            continue
        if files < theirs or (files == theirs and other_place < place):
            note = f"what it finds is counted by {other.source} already"
            return Reading(
                one.source,
                one.kind,
                one.at,
                seen=one.seen,
                is_whole=one.is_whole,
                problems=one.problems,
                notes=[note],
                newest_at=one.newest_at,
                written_at=one.written_at,
            )
        if not files >= theirs:
            many = counted(len(files & theirs), "file")
            text = f"{many} of {other.source} is counted here too, and so twice; name other files in one of them"
            one = replace(one, problems=[*one.problems, Problem(one.source, text)])
    return one
