"""A report for people, on a terminal of any width."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from backfill import drawing
from backfill.door import MOST
from backfill.monitor.render.sections import MARKS, Item, Section, facts, sections
from backfill.monitor.report import Level, Report
from backfill.texts import one_line, parted

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "red", Level.UNKNOWN: "magenta"}
ASCII_MARKS: Final = {Level.OK: "+", Level.WARNING: "!", Level.CRITICAL: "x", Level.UNKNOWN: "?"}
HEIGHTS: Final = "▁▂▃▄▅▆▇█"
LABELS: Final = 0.4  # of the width, at most, that labels take; where they are longer they stand above their texts
BAR: Final = 20
# What is to be seen first where there is no room for all.
RANKS: Final = (
    *("What to do", "Findings", "ETA", "Numbers", "Workers", "Errors", "Throughput", "Data quality", "By status"),
    "Sources",
)
WIDE: Final = 72  # columns from which on there is room for a bar beside a text


def screen(report: Report) -> "RenderableType":
    """The report in colours, drawn for the width that it is shown at, and on a screen for its height."""
    return drawing.Fitted(lambda width, is_ascii, is_brief: _Drawn(width, is_ascii, is_brief).report(report))


class _Drawn:
    def __init__(self, width: int, is_ascii: bool, is_brief: bool) -> None:
        self._width = width
        self._is_ascii = is_ascii
        self._is_brief = is_brief

    def report(self, report: Report) -> "Iterator[tuple[int, RenderableType]]":
        """The head, then the sections, each with its rank."""
        yield 0, drawing.below(*self._head(report))
        for section in sections(report):
            yield RANKS.index(section.title) + 1, drawing.below(*self._titled(section))

    def _head(self, report: Report) -> "Iterator[RenderableType]":
        badge = f"bold black on {COLOURS[report.level]}"
        yield drawing.phrase((f" {report.state.value.upper()} ", badge), (" ", ""), (report.title, "bold"))
        yield drawing.phrase((report.headline, ""))
        between = " - " if self._is_ascii else " · "
        told = between.join(f"{one.label.lower()} {one.text}" for one in facts(report)[1:])
        yield drawing.phrase((told, "dim"))

    def _titled(self, section: Section) -> "Iterator[RenderableType]":
        if self._is_brief:
            section = replace(section, items=list(map(_brief, section.items)))
        yield ""
        yield drawing.phrase((section.title, "bold"))
        yield from self._section(section)

    def _section(self, section: Section) -> "Iterator[RenderableType]":
        labels = max((drawing.cells(one.label) for one in section.items), default=0)
        is_beside = labels <= self._width * LABELS and not any(one.under for one in section.items)
        for has_label, items in groupby(section.items, lambda one: bool(one.label)):
            if has_label and is_beside:
                yield drawing.columns(map(self._beside, items), 1)
            else:
                for number, item in enumerate(items, 1):
                    yield self._item(item, f"{number}." if section.is_ordered else "")
        if section.minutes:
            yield self._minutes(section.minutes)

    def _beside(self, item: Item) -> "Sequence[RenderableType]":
        return self._mark(item), drawing.phrase((item.label, "dim")), self._text(item)

    def _item(self, item: Item, number: str = "", style: str = "", indent: int = 1) -> "RenderableType":
        label = [(f"{item.label}: ", f"{style} dim")] if item.label else []
        mark = drawing.phrase((number, "dim")) if number else self._mark(item)
        row = [mark, self._text(item, style, *label)]
        under = (self._item(one, "", "" if one.level or one.label else "dim", indent + 2) for one in item.under)
        return drawing.below(drawing.columns([row], indent), *under)

    def _mark(self, item: Item) -> "RenderableType":
        if item.level is None:
            return drawing.phrase(("-" if self._is_ascii else "·", "dim"))
        return drawing.phrase(((ASCII_MARKS if self._is_ascii else MARKS)[item.level], f"bold {COLOURS[item.level]}"))

    def _text(self, item: Item, style: str = "", *before: tuple[str, str]) -> "RenderableType":
        bar = [*self._bar(item.reach), (" ", "")] if item.reach and self._width >= WIDE else []
        said, command = parted(one_line(item.text, MOST)) if item.is_said else (item.text, "")
        return drawing.phrase(*bar, *before, (said, style), (command, "bold"))

    def _bar(self, reach: tuple[float, float]) -> list[tuple[str, str]]:
        """What even the last has done, what only some have, what nobody has."""
        signs = "#= " if self._is_ascii else "█▒░"
        low, high = (round(max(0.0, min(one, 100.0)) * BAR / 100) for one in reach)
        widths = (low, high - low, BAR - high)
        return [(sign * width, "cyan") for sign, width in zip(signs, widths, strict=True)]

    def _minutes(self, minutes: Sequence[tuple[str, int]]) -> "RenderableType":
        shown = minutes[-max(1, self._width - 2) :]
        most = max(1, *(count for _, count in shown))
        signs = ".:|" if self._is_ascii else HEIGHTS
        heights = (min(len(signs) - 1, count * len(signs) // most) if count > 0 else None for _, count in shown)
        drawn = "".join(" " if height is None else signs[height] for height in heights)
        first, last = shown[0][0], shown[-1][0]
        return drawing.columns(
            [[drawing.phrase((drawn, "cyan"))], [drawing.phrase((f"{first} to {last} UTC", "dim"))]], 1
        )


def _brief(item: Item) -> Item:
    """Without its evidence, examples and notes."""
    return replace(item, under=[one for one in item.under if one.level or one.label])
