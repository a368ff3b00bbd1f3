"""What a check of a definition has found, line by line, and what became of the records that it tried."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from backfill.texts import one_line

if TYPE_CHECKING:
    from backfill.workers.trial import Tried


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"  # a job would run
    WRONG = "wrong"  # no job would run, or it would be paused


@dataclass(frozen=True)
class Finding:
    what: str
    state: State
    text: str  # and the next step, where something is to be done


@dataclass
class Checked:
    """Of one definition."""

    name: str
    title: str
    findings: list[Finding] = field(default_factory=list)
    columns: tuple[str, ...] = ()  # of the sample
    records: list["Tried"] = field(default_factory=list)  # the sample

    def ok(self, what: str, text: str) -> None:
        self._add(what, State.OK, text)

    def warn(self, what: str, text: str) -> None:
        self._add(what, State.WARNING, text)

    def refuse(self, what: str, text: str) -> None:
        self._add(what, State.WRONG, text)

    def _add(self, what: str, state: State, text: str) -> None:
        self.findings.append(Finding(what, state, one_line(text)))

    @property
    def wrong(self) -> list[str]:
        """What would stop a job."""
        return [f"{one.what}: {one.text}" for one in self.findings if one.state is State.WRONG]

    @property
    def warnings(self) -> list[str]:
        return [f"{one.what}: {one.text}" for one in self.findings if one.state is State.WARNING]

    @property
    def counts(self) -> Counter[str]:
        """How many records of the sample have come to each outcome."""
        return Counter(one.outcome for one in self.records)

    @property
    def failures(self) -> dict[str, str]:
        """The records of the sample that failed, and why."""
        return {one.record_id: one.reason for one in self.records if one.outcome == "failed"}

    def rows(self) -> Iterator[list[str]]:
        """The sample, for a table."""
        for one in self.records:
            yield [one.record_id, one.outcome, *self._change(one), one_line(one.reason)]

    def _change(self, one: "Tried") -> list[str]:
        return [
            "" if one.before is None else _change(one.before[place], (one.after or one.before)[place])
            for place in range(len(self.columns))
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "is_right": not self.wrong,
            "findings": [{"what": one.what, "state": one.state.value, "text": one.text} for one in self.findings],
            "sample": [
                {
                    "record_id": one.record_id,
                    "outcome": one.outcome,
                    "reason": one.reason,
                    "before": self._named(one.before),
                    "after": self._named(one.after),
                }
                for one in self.records
            ],
        }

    def _named(self, values: list[str | None] | None) -> dict[str, str | None] | None:
        return None if values is None else dict(zip(self.columns, values, strict=True))


def _change(before: str | None, after: str | None) -> str:
    return _shown(before) if before == after else f"{_shown(before)} → {_shown(after)}"


def _shown(value: str | None) -> str:
    return "NULL" if value is None else one_line(value, 60)
