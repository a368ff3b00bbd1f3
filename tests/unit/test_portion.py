"""How many records a transaction writes: fewer when it was cut off, more when it was quick, and never none."""

from backfill.workers.applying.portion import FIRST, MOST, Portion


def test_it_grows_while_whole_portions_are_quick() -> None:
    portion = Portion()
    portion.done(FIRST - 1, 0.01)
    assert portion.records == FIRST
    for _ in range(10):
        portion.done(portion.records, 0.01)
    assert portion.records == MOST


def test_slowness_alone_makes_it_no_smaller() -> None:
    """A COMMIT that waits for a replica takes as long for one record as for many."""
    portion = Portion()
    portion.done(FIRST, 2.0)
    assert portion.records == FIRST


def test_cut_off_it_shrinks_to_a_single_record_and_no_further() -> None:
    portion = Portion()
    portion.cut_off(400)
    assert portion.records == 100
    for _ in range(10):
        portion.cut_off(portion.records)
    assert portion.records == 1
