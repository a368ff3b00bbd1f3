"""One line of the table: what was measured, each run's value, and what was to be reached. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

FORMATS = {
    "s": "{:,.2f} s",
    "ms": "{:,.1f} ms",
    "/s": "{:,.0f}/s",
    "×": "{:,.2f} ×",
    "%": "{:+.1f} %",
    "MB": "{:,.1f} MB",
    "MB/s": "{:,.0f} MB/s",
    "calls": "{:,.0f}",
}
BOUNDS = {
    "s": "{:g} s",
    "ms": "{:g} ms",
    "/s": "{:,.0f}/s",
    "×": "{:g} ×",
    "%": "{:g} %",
    "MB": "{:g} MB",
    "MB/s": "{:g} MB/s",
    "calls": "{:g}",
}


@dataclass(frozen=True)
class Target:
    """A bound, from below or from above, or one that is to be met within some share of it."""

    bound: float
    at_least: bool
    within: float | None = None

    def reached(self, value: float) -> bool:
        if self.within is not None:
            return abs(value - self.bound) <= self.within * self.bound
        return value >= self.bound if self.at_least else value <= self.bound

    def words(self, unit: str) -> str:
        if self.within is not None:
            return f"{BOUNDS[unit].format(self.bound)} ± {self.within:.0%}"
        return f"{'≥' if self.at_least else '≤'} {BOUNDS[unit].format(self.bound)}"


def at_least(bound: float) -> Target:
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    return Target(bound, at_least=False)


def about(bound: float, within: float) -> Target:
    return Target(bound, at_least=False, within=within)


@dataclass(frozen=True)
class Figure:
    """A measured thing; with no runs it could not be measured, and the note says why."""

    section: str
    measured: str
    unit: str
    runs: tuple[float, ...]
    target: Target | None = None
    note: str = ""

    @property
    def median(self) -> float | None:
        return median(self.runs) if self.runs else None

    @property
    def reached(self) -> bool | None:
        """None without a target; a target that was not measured was not reached."""
        if self.target is None:
            return None
        return self.median is not None and self.target.reached(self.median)

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """As the table shows it; compared with its target before it is rounded."""
        text = FORMATS[self.unit]
        value = "not measured" if self.median is None else text.format(self.median)
        spread = f"{text.format(min(self.runs))} … {text.format(max(self.runs))}" if len(self.runs) > 1 else ""
        target = self.target.words(self.unit) if self.target else ""
        verdict = {None: "", True: "reached", False: "not reached"}[self.reached]
        return self.section, self.measured, value, spread, target, verdict

    def as_dict(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "measured": self.measured,
            "unit": self.unit,
            "median": self.median,
            "runs": list(self.runs),
            "target": self.target.words(self.unit) if self.target else None,
            "reached": self.reached,
            "note": self.note,
        }


def ratios(numerators: Iterable[float], denominators: Iterable[float]) -> tuple[float, ...]:
    """Of paired runs, each with its own pair: what disturbed both of a pair cancels out."""
    return tuple(above / below for above, below in zip(numerators, denominators, strict=True))
