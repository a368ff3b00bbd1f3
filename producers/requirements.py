"""Refuse to open a job whose requirements are not met."""

from collections.abc import Collection

from backfill import required
from backfill.definition import Definition
from backfill.errors import ConflictError
from backfill.ledger import requirements
from backfill.ledger.requirements import Lack
from backfill.producers.parts import Parts


class RequiredError(ConflictError):
    """What a definition requires has not been completed; no job was opened."""

    def __init__(self, backfill: str, lacks: list[Lack], command: str) -> None:
        by_hand = " and ".join(f"{command} {lack.required.name}" for lack in lacks)
        super().__init__(
            f"{backfill} requires {_listed(lacks)}; wait until it is completed with --wait-for-required, let it be "
            f"opened first with --open-required, or do that by hand: {by_hand}"
        )
        self.backfill = backfill
        self.lacks = lacks
        self.command = command


async def missing(parts: Parts, definition: Definition) -> list[Lack]:
    """What the definition requires and is not there; of what is there, failed records are said."""
    lacks = []
    for one in required.of(definition):
        now = await requirements.standing(parts.connection, one.name)
        lack = requirements.lack(one, now)
        if lack is not None:
            lacks.append(lack)
        elif now.failed:
            parts.report.warn(
                f"{definition.name} requires {one.name}: job {now.job} is completed, but {now.failed:,} of its records "
                f"failed; see: backfill failures {now.job}"
            )
    return lacks


async def need(parts: Parts, definition: Definition, met: Collection[str]) -> None:
    """Raise RequiredError for what is missing, but for these, which have nothing to do."""
    if lacks := [lack for lack in await missing(parts, definition) if lack.required.name not in met]:
        raise RequiredError(definition.name, lacks, parts.command)


def _listed(lacks: list[Lack]) -> str:
    return ", and ".join(f"{lack.required.name} first, but {lack}" for lack in lacks)
