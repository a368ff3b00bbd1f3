"""Give back claims whose session has ended under them: no attempt, unless it happens again and again."""

from enum import Enum
from typing import Final

from backfill import statements
from backfill.database import Connection
from backfill.ledger.partitions import Claim

MOST: Final = 3  # of one partition, each after a longer rest; from then on they are attempts


class Fate(Enum):
    """What is to become of a partition whose session has ended."""

    AGAIN = "may be claimed again at once"
    REST = "was given back, and is published again after its rest"
    ATTEMPT = "has used up what was allowed: it is still claimed, and this was an attempt"


async def give_back(connection: Connection, claim: Claim, *, may_be_own: bool, rest_seconds: float) -> Fate:
    """Give the claim back; `may_be_own` says that what ran under it may have ended its session.

    The first rest takes `rest_seconds`, each further one twice the last.
    """
    row = await connection.fetchrow(
        statements.read("ledger/interruptions/give_back"),
        claim.id,
        claim.fence,
        claim.worker,
        may_be_own,
        MOST,
        rest_seconds,
        claim.server_started,
    )
    if row is None:  # committed after all, or somebody else's by now: the next claim tells
        return Fate.AGAIN
    if row["is_attempt"]:
        return Fate.ATTEMPT
    return Fate.REST if row["is_own"] else Fate.AGAIN
