"""What is left of a partition whose worker dies under one of its records, claim after claim."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from backfill.ledger.partitions import Claim
from backfill.workers.applying.slices import split, stands_alone

CLAIMS = 6  # the first run and its retries, by default


def claimed(ids: list[str], interruptions: int) -> Claim:
    nobody = UUID(int=0)
    return Claim(1, nobody, 1, nobody, 1, ids, "running", "normal", 0, "", datetime.now(UTC), interruptions)


def left(number: int, culprit: str) -> list[str]:
    """After so many claims, each of which has come to its end under the culprit."""
    ids = [str(one) for one in range(number)]
    for interruptions in range(CLAIMS):
        claim = claimed(ids, interruptions)
        now, waiting = split(claim, ids)
        while culprit not in now:
            now, waiting = split(claim, waiting)
        kept = {*now, *waiting}
        ids = [one for one in ids if one in kept]
    return ids


@pytest.mark.parametrize("number", [1, 2, 10, 128, 500, 1_000, 10_000])
def test_after_all_its_claims_the_record_stands_alone(number: int) -> None:
    for culprit in {0, number // 3, number // 2, number * 3 // 4, number - 2, number - 1} & {*range(number)}:
        assert left(number, str(culprit)) == [str(culprit)]


@pytest.mark.parametrize(
    ("number", "interruptions", "expected"), [(1, 0, True), (2, 0, False), (2, 5, False), (2, 6, True)]
)
def test_neighbours_are_given_up_only_once_a_record_cannot_be_told_apart(
    number: int, interruptions: int, expected: bool
) -> None:
    assert stands_alone(claimed(["1"] * number, interruptions)) is expected
