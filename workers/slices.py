"""How much of a partition is worked on at once, after claims under which the worker or the session ended.

One record may be to blame: a query for it takes all memory, say. Half as many each time, until it stands alone; and
from either end in turn, so that all around it are done. It cannot be halved within one claim, as what raises an error
is: each try ends the session.
"""

from backfill.ledger.partitions import Claim


def split(claim: Claim, ids: list[str]) -> tuple[list[str], list[str]]:
    """Those of the ids to work on now, and those that wait, in their order."""
    most = max(1, len(claim.ids) >> claim.interruptions)
    if claim.interruptions % 2:
        return ids[-most:], ids[:-most]
    return ids[:most], ids[most:]
