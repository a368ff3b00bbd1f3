"""A report on a terminal: of any width, in colours or without, and with no text of others that rules it."""

import io
import re

import pytest
from rich.console import Console

from backfill import drawing
from backfill.monitor.render.screen import RANKS, screen
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


def watched(report: Report, height: int, width: int = 80) -> list[str]:
    """What stands on a screen of so many lines while it is watched."""
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system=None)
    fitted = screen(report)
    assert isinstance(fitted, drawing.Fitted)
    fitted.is_whole = False
    console.print(fitted, end="")
    return file.getvalue().splitlines()


def titles(lines: list[str]) -> list[str]:
    every = {one.title for one in sections(load())}
    return [one for one in lines if one in every]


@pytest.mark.parametrize("height", [1, 2, 5, 9, 10, 24, 33, 50, 100])
@pytest.mark.parametrize("width", [40, 80])
def test_a_screen_that_is_watched_shows_no_more_lines_than_it_has(height: int, width: int) -> None:
    whole = drawn(load(), width).splitlines()
    found = watched(load(), height, width)
    if height >= len(whole):
        assert found == whole
    else:
        assert len(found) <= height
        left = len(whole) - len(found) + 1
        assert found[-1] == f"… {left} more line{'s' * (left > 1)}; a taller window shows them"[:width]


def test_what_matters_most_is_seen_on_a_short_screen() -> None:
    lines = watched(load(), 24)
    assert lines[:2] == drawn(load(), 80).splitlines()[:2]
    assert titles(lines)[:3] == ["Findings", "What to do", "Numbers"]
    assert {"ETA"} <= {*titles(lines)}
    assert "Sources" not in lines
    assert not any("others moved 2.1 % since" in one for one in lines)
    assert titles(watched(load(), 10)) == ["What to do"]


def test_what_was_watched_is_whole_when_the_watch_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, height=12, force_terminal=True, color_system=None)
    monkeypatch.setattr("rich.live.get_console", lambda: console)
    with drawing.Screen() as place:
        place.draw(screen(load()))
        assert "more lines; a taller window shows them" in file.getvalue()
        assert "Sources" not in file.getvalue()
    assert "Sources" in file.getvalue()
    assert "the query took longer than 10 s" in file.getvalue()


def test_every_section_has_a_rank() -> None:
    assert {one.title for one in sections(load())} == {*RANKS}
