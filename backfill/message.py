"""The wake-up that a producer publishes and a worker receives; the ledger, not the message, is the truth."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import to_json

from backfill.errors import ContractError
from backfill.modes import Mode
from backfill.texts import clean

MAX_BODY_BYTES: Final = 65_536  # that are read
LISTED_BYTES: Final = 16_384  # a body up to this size lists its record ids
SHOWN_CHARACTERS: Final = 200  # of an id, where they are not all listed
BURIED: Final = "backfill-buried"  # header of what was put into the dead queue
CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True)
class PartitionMessage:
    """One partition to recompute: which job, which partition, under which mode.

    The record ids are for people who look into a queue; they are sent, and not received.
    """

    job_id: UUID
    backfill: str
    mode: Mode
    partition_key: str
    attempt: int = 0
    ids: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def encode(self) -> bytes:
        """The body as JSON bytes, of bounded size whatever the ids are; `decode` gives the same message back."""
        head: dict[str, Any] = {
            "version": 1,
            "job": str(self.job_id),
            "backfill": self.backfill,
            "mode": self.mode.value,
            "partition": self.partition_key,
            "attempt": self.attempt,
            "count": len(self.ids),
        }
        few = 3 * len(self.ids) <= LISTED_BYTES  # else there is no need to look at them
        if few and 3 * len(self.ids) + len("".join(self.ids)) <= LISTED_BYTES:
            body = to_json(head | {"ids": self.ids})
            if len(body) <= LISTED_BYTES:
                return body
        first, last = (clean(self.ids[end], SHOWN_CHARACTERS) for end in (0, -1))
        return to_json(head | {"first": first, "last": last})


class _Received(BaseModel):
    """What a worker needs of a body; what else is in it is not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True)

    version: Literal[1]
    job: UUID
    backfill: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    mode: Mode
    partition: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
    attempt: Annotated[int, Field(ge=0, le=1_000)] = 0


def decode(body: bytes) -> PartitionMessage:
    """Read a body of at most 64 KiB; raises ContractError with the reason, never anything else."""
    if len(body) > MAX_BODY_BYTES:  # of which the rest never came this far
        raise ContractError(f"oversized: at most {MAX_BODY_BYTES:,} bytes are read")
    try:
        found = _Received.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from None
    return PartitionMessage(found.job, found.backfill, found.mode, found.partition, found.attempt)
