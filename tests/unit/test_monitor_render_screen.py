"""A report on a terminal: of any width, in colours or without, and with no text of others that rules it."""

import io
import re

import pytest
from rich.console import Console

from backfill.monitor.render.screen import screen
from backfill.monitor.render.sections import sections
from backfill.monitor.report import Level, Report
from tests.support.reports import attacked, bare, load

WIDTHS = (20, 40, 80, 160)


def drawn(report: Report, width: int, encoding: str = "utf-8", *, colour: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding)
    console = Console(file=file, width=width, force_terminal=colour, color_system="standard" if colour else None)
    console.print(screen(report))
    file.flush()
    return raw.getvalue().decode(encoding)


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_is_there_at_every_width(width: int) -> None:
    found = drawn(load(), width)
    assert all(len(line) <= width for line in found.splitlines())
    if width >= 40:
        whole = squeezed(found)
        for section in sections(load()):
            for item in section.items:
                for one in (item, *item.under):
                    pieces = [one.label, *one.text.split()]
                    assert all(squeezed(piece) in whole for piece in pieces), one


def test_a_text_that_is_wider_than_the_terminal_goes_on_below() -> None:
    word = "abcdefghij" * 20
    assert squeezed(drawn(attacked(word), 40)).count(word) >= 1
    assert "…" not in drawn(attacked(word), 40)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "text", ["[bold red]x[/]", "[/]", "[link=http://x]y", "\x1b[2J\x07", "a\r\nb", "\u202ex", "\ud800"]
)
def test_nobody_elses_text_is_markup_or_rules_the_terminal(text: str, width: int) -> None:
    found = drawn(attacked(text), width, colour=True)
    styled = re.sub(r"\x1b\[[\d;]*m", "", found)
    assert set(styled) - {"\n"} == {sign for sign in styled if sign.isprintable()}
    if text.startswith("[") and width >= 80:
        assert text in styled


@pytest.mark.parametrize("level", Level)
def test_levels_are_told_by_signs_and_by_colours(level: Level) -> None:
    plain, coloured = (drawn(bare(level=level), 80, colour=colour) for colour in (False, True))
    assert plain.startswith(" RUNNING  ERC-1155 load\n")
    assert coloured != plain


def test_a_terminal_without_more_than_ascii_can_show_it() -> None:
    found = drawn(load(), 80, "ascii")
    assert found.isascii()
    assert " ! worker 9 stands still" in found
    assert " + rows are written" in found


def test_workers_have_a_bar_where_there_is_room() -> None:
    assert "████████████▒▒▒▒▒░░░ 8-23 at" in drawn(load(), 80)
    assert "▒" not in drawn(load(), 60)


def test_a_command_to_type_stands_out() -> None:
    assert "\x1b[1mbackfill monitor --profile erc1155\x1b[0m" in drawn(load(), 80, colour=True)


def test_a_count_that_fell_is_no_bar() -> None:
    minutes = [
        {"minute": one["minute"], "count": count} for one, count in zip(load().minutes, (-(10**30), 0, 8), strict=False)
    ]
    assert "\n   █ " in drawn(bare(minutes=minutes), 80)
