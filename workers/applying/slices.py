"""In which order, and how many at once, the records of a claim are worked on.

After claims under which the worker or the session ended, one record may be to blame: a query for it takes all memory,
say. Fewer each time, until it stands alone; and from either end in turn, so that all around it are done. It cannot be
halved within one claim, as what raises an error is: each try ends the session.
"""

from collections.abc import Container
from typing import Final

from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally

SHIFTS: Final = (0, 1, 3, 6, 10, 15)  # by interruptions: the last is one record of any partition


class Turns:
    """What is left of a slice is tried again when all others have had their turn: it may be held for long."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self.ids = claim.ids  # to be tried in this turn
        self.tried: list[str] = []  # in this turn, and left
        self.held: dict[str, str] = {}  # of those, or of the last turn's
        self._has_conflicts = False
        self.with_conflicts = 0  # turns; what is only held may be so for any number of them

    def slice(self) -> tuple[list[str], list[str]]:
        """Those to work on now, and those that wait, in their order."""
        return split(self._claim, self.ids)

    def went(self, untried: list[str], tally: Tally, put_off: Container[str]) -> bool:
        """A slice came to that; True at the end of a turn. What is put off is not tried again."""
        if not self.tried:
            self.held, self._has_conflicts = {}, False
        self.tried += [one for one in (*tally.remaining, *tally.held) if one not in put_off]
        self.held |= tally.held
        self._has_conflicts |= bool(tally.remaining)
        self.ids = untried
        if untried:
            return False
        self.with_conflicts += self._has_conflicts
        self.ids, self.tried = self.tried, []
        return True


def stands_alone(claim: Claim) -> bool:
    """Whether all around the record that ends workers, if there is one, was done."""
    return len(claim.ids) <= 1 or claim.interruptions >= len(SHIFTS)


def split(claim: Claim, ids: list[str]) -> tuple[list[str], list[str]]:
    """A slice of the ids, and the others."""
    most = max(1, len(claim.ids) >> SHIFTS[min(claim.interruptions, len(SHIFTS) - 1)])
    if claim.interruptions % 2:
        return ids[-most:], ids[:-most]
    return ids[:most], ids[most:]
