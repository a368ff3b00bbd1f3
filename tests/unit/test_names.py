"""The smallest example: one spelling for every way to write a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill import Skip
from backfill.examples.names import NormalisedNames, normalise


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("  Ada\t Lovelace ", "ada lovelace"),
        ("GROẞ Straße", "gross strasse"),
        ("ﬁne\u00a0Ｗｉｄｅ", "fine wide"),
        ("Cafe\u0301", "caf\u00e9"),
        ("", ""),
    ],
)
def test_names_that_are_the_same_become_the_same(written: str, normalised: str) -> None:
    assert normalise(written) == normalised


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_a_record_without_a_name_is_skipped() -> None:
    backfill = NormalisedNames()

    assert backfill.compute({"id": 1, "name": "A"}) == {"name_normalised": "a"}
    skipped = backfill.compute({"id": 2, "name": None})
    assert isinstance(skipped, Skip)
    assert skipped == "no name"
