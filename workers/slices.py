"""In which order, and how many at once, the records of a claim are worked on.

After claims under which the worker or the session ended, one record may be to blame: a query for it takes all memory,
say. Half as many each time, until it stands alone; and from either end in turn, so that all around it are done. It
cannot be halved within one claim, as what raises an error is: each try ends the session.
"""

from collections.abc import Container

from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally


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


def split(claim: Claim, ids: list[str]) -> tuple[list[str], list[str]]:
    """A slice of the ids, and the others."""
    most = max(1, len(claim.ids) >> claim.interruptions)
    if claim.interruptions % 2:
        return ids[-most:], ids[:-most]
    return ids[:most], ids[most:]
