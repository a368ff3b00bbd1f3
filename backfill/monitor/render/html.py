"""A report as one page for a file or a mail: it runs nothing, loads nothing, and leads nowhere."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

from backfill.monitor.render.sections import MARKS, SHOWN_MINUTES, Item, Section, facts, sections
from backfill.monitor.report import Level, Report
from backfill.texts import one_line, parted

MOST: Final = 10_000  # characters of a text
HEIGHT: Final = 100  # of the bars of the minutes, in their own units


def page(report: Report) -> str:
    """The whole page; whatever others wrote is escaped, and a policy forbids what could still be smuggled in."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    style = _style()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="robots" content="noindex">'
    yield f"<title>{_safe(report.state.value)}: {_safe(report.title)}</title>"
    yield '<link rel="icon" href="data:,">'
    yield f"<style>{style}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"
    yield f'<header class="{report.level.value}">'
    yield f'<h1>{_safe(report.title)} <span class="state">{report.state.value}, {report.level.value}</span></h1>'
    yield f'<p class="headline">{_mark(report.level)}{_said(report.headline)}</p>'
    yield f'<p class="facts">{" ".join(map(_fact, facts(report)[1:]))}</p>'
    yield "</header>"
    for section in sections(report):
        yield from _section(section)
    yield "</main>"
    yield "</body>"
    yield "</html>"


@cache
def _style() -> str:
    return (Path(__file__).parent / "report.css").read_text()


def _fact(item: Item) -> str:
    return f"<span>{_safe(item.label)} {_safe(item.text)}</span>"


def _section(section: Section) -> Iterator[str]:
    yield f"<section><h2>{section.title}</h2>"
    if section.items:
        yield from _items(section.items, "ol" if section.is_ordered else "ul")
    if section.minutes:
        yield from _minutes(section.minutes)
    yield "</section>"


def _items(items: Sequence[Item], kind: str = "ul", depth: int = 0) -> Iterator[str]:
    yield f"<{kind}>"
    for item in items:
        label = f'<span class="label">{_safe(item.label)}:</span> ' if item.label else ""
        text = _said(item.text) if item.is_said or not depth else f"<code>{_safe(item.text)}</code>"
        mark = _mark(item.level) if kind == "ul" else ""
        yield f'<li class="{item.level.value if item.level else "plain"}">{mark}<div>{label}{text}{_reach(item)}'
        if item.under:
            yield from _items(item.under, depth=depth + 1)
        yield "</div></li>"
    yield f"</{kind}>"


def _mark(level: Level | None) -> str:
    if level is None:
        return '<span class="mark" aria-hidden="true">·</span>'
    return f'<span class="mark"><span aria-hidden="true">{MARKS[level]} </span>{_unseen(f"{level.value}: ")}</span>'


def _unseen(text: str) -> str:
    return f'<span class="unseen">{text}</span>'


def _said(text: str) -> str:
    said, command = parted(one_line(text, MOST))
    return escape(said) + (f'<code class="command">{escape(command)}</code>' if command else "")


def _safe(text: object) -> str:
    return escape(one_line(text, MOST))


def _reach(item: Item) -> str:
    """A bar of what even the last has done, and of what only some have; the text says the same."""
    if item.reach is None:
        return ""
    low, high = (max(0.0, min(one, 100.0)) for one in item.reach)
    bars = (("whole", 100.0), ("some", high), ("fill", low))
    drawn = "".join(f'<rect class="{name}" width="{width:.1f}" height="10"/>' for name, width in bars)
    return f'<svg class="reach" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'


def _minutes(minutes: Sequence[tuple[str, int]]) -> Iterator[str]:
    most = max(1, *(count for _, count in minutes))
    bars = []
    for place, (_, count) in enumerate(minutes):
        height = max(0, count) * HEIGHT / most
        bars.append(f'<rect class="fill" x="{place}.1" y="{HEIGHT - height:.1f}" width="0.8" height="{height:.1f}"/>')
    box = f'viewBox="0 0 {len(minutes)} {HEIGHT}" preserveAspectRatio="none"'
    name = 'role="img" aria-label="Done by minute; the last are in the table"'
    yield f'<svg class="minutes" {box} {name}>{"".join(bars)}</svg>'
    yield f'<p class="span"><span>{_safe(minutes[0][0])} UTC</span><span>{_safe(minutes[-1][0])} UTC</span></p>'
    shown = minutes[-SHOWN_MINUTES:]
    yield f"<details><summary>The last {len(shown)} minutes</summary><table>"
    yield '<thead><tr><th scope="col">minute (UTC)</th><th scope="col">count</th></tr></thead><tbody>'
    for minute, count in shown:
        yield f'<tr><th scope="row">{_safe(minute)}</th><td>{count:,}</td></tr>'
    yield "</tbody></table></details>"
