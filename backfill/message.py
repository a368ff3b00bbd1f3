"""The wake-up that a producer publishes and a worker receives; the ledger, not the message, is the truth."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from backfill.errors import ContractError
from backfill.modes import Mode

MAX_BODY_BYTES: Final = 1_048_576
CONTENT_TYPE: Final = "application/json"

RecordId = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class PartitionMessage(BaseModel):
    """One partition to recompute: which job, which partition, under which mode, and its record ids as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    job: UUID
    backfill: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    mode: Mode
    partition: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
    attempt: Annotated[int, Field(ge=0, le=1_000)] = 0
    ids: Annotated[tuple[RecordId, ...], Field(min_length=1, max_length=50_000)]

    @field_validator("ids")
    @classmethod
    def _distinct(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(ids)) != len(ids):
            raise ValueError("duplicate ids")
        return ids

    def encode(self) -> bytes:
        """The body as JSON bytes; `decode` gives the same message back."""
        return self.model_dump_json().encode()


def decode(body: bytes) -> PartitionMessage:
    """Read a body of at most 1 MiB; raises ContractError with the reason, never anything else."""
    if len(body) > MAX_BODY_BYTES:
        raise ContractError(f"oversized: {len(body):,} bytes, at most {MAX_BODY_BYTES:,} are read")
    try:
        return PartitionMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from None
