"""How the service misbehaves: each way with a probability of its own, the same for the same seed."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Lie = Literal["zero", "day", "past", "nonsense"]
Fault = Literal["slow", "error", "garbage", "cut"]
FAULTS: Final[tuple[Fault, ...]] = ("error", "garbage", "cut", "slow")
LIES: Final[tuple[Lie, ...]] = get_args(Lie)


class Misbehaviour(BaseModel):
    """Probabilities from 0 to 1.

    slow     answers after `slow_seconds`
    error    answers 500
    garbage  answers 200 with what is no JSON
    cut      closes the connection in the middle of the answer
    lie      refuses a call with a Retry-After that is one of `lies`
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slow: Share = 0
    slow_seconds: Annotated[float, Field(ge=0, le=3600)] = 5
    error: Share = 0
    garbage: Share = 0
    cut: Share = 0
    lie: Share = 0
    lies: Annotated[tuple[Lie, ...], Field(min_length=1)] = LIES
    seed: int = 1


class Dice:
    """Throws for one call after another. What a key's third call meets depends on the seed, and on no other key."""

    def __init__(self, misbehaviour: Misbehaviour) -> None:
        self.misbehaviour = misbehaviour
        self._throws: Counter[str] = Counter()

    def fault(self, key: str) -> Fault | None:
        """The fault that the next call for this key meets; at most one."""
        rng = self._rng(key)
        for fault in FAULTS:
            if rng.random() < getattr(self.misbehaviour, fault):
                return fault
        return None

    def lie(self) -> str | None:
        """A Retry-After that is none, or None for the truth."""
        rng = self._rng("Retry-After")
        if rng.random() >= self.misbehaviour.lie:
            return None
        past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
        return {"zero": "0", "day": "86400", "past": past, "nonsense": "soon"}[rng.choice(self.misbehaviour.lies)]

    def _rng(self, key: str) -> random.Random:
        self._throws[key] += 1
        return random.Random(f"{self.misbehaviour.seed} {key} {self._throws[key]}")  # noqa: S311 - a seeded sequence
