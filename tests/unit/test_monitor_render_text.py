"""A report as Markdown, as JSON, and as the line of a check: all of it is said, and nobody's text is more than text."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backfill.markdown import quote, sentence
from backfill.monitor.render.as_json import as_json
from backfill.monitor.render.markdown import markdown
from backfill.monitor.render.nagios import EXIT_CODES, exit_code, line
from backfill.monitor.render.sections import percent
from backfill.monitor.report import Eta, Finding, Level, Seen, Stat, State
from tests.support.markup import FOREIGN, flat, read
from tests.support.reports import NOW, attacked, bare, load

HOSTILE = [
    "| a | b |\n| --- | --- |\n| x | y |",
    "`code` ``more`` ```",
    "`",
    "***",
    "- [x] item",
    "1. x",
    "+ x",
    "-",
    " leading and trailing ",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](http://example.com) ![x](y) <http://example.com> www.example.com @all #1",
    "\n# Heading\n- [x] item\n> quote\n---\n```\nfence",
    "**bold** _em_ ~~gone~~ \\` \\| \\",
    "&lt;b&gt; &#96; \u202e\u200b \x1b[31m",
    "` <b>script</b> [click](http://example.com) **bold** `",
    "x: backfill `` <b>script</b> [click](http://example.com) **bold** `` `y",
    "   ",
    "\ud800",
]


def shape(text: str) -> list[str]:
    """The blocks, in their order, without what may stand in a line."""
    return [token.type for token in read(text)]


def headings(text: str) -> list[str]:
    return [one.removeprefix("## ") for one in text.splitlines() if one.startswith("## ")]


def test_the_verdict_is_first_then_its_evidence_then_what_to_do() -> None:
    lines = markdown(load()).splitlines()
    assert lines[0] == "# ERC-1155 load: running"
    assert lines[2] == "**warning**: running: 61.7 % done, about 3 h 10 min left; worker 9 stands still"
    assert headings("\n".join(lines)) == [
        "Findings", "What to do", "Numbers", "By status", "Workers", "Errors", "Data quality", "ETA", "Throughput",
        "Sources",
    ]  # fmt: skip
    assert "  - `tmp/load_erc1155.log:48213: Worker 9: 61.2% complete`" in lines
    assert "2. look at it again with: `backfill monitor --profile erc1155`" in lines
    assert "- **warning**: failed retries: 2, 2 in the last hour, target 0, not within it" in lines
    assert "- **ok**: 503: 31, 12 in the last hour, target < 50 an hour" in lines
    assert "  - **warning**: the query took longer than 10 s; add an index" in lines


def test_of_the_throughput_the_last_fifteen_minutes_are_written_out() -> None:
    rows = [one for one in markdown(load()).splitlines() if one.startswith("| 2026")]
    assert len(rows) == 15
    assert rows[-1] == "| 2026-11-26 15:43 | 208,797 |"


def test_what_is_not_known_has_no_section() -> None:
    assert headings(markdown(bare())) == []
    assert markdown(bare()).count("\n") == 5


def test_a_next_step_that_stands_below_is_not_said_twice() -> None:
    assert markdown(load()).count("split what is left of its range") == 1
    assert "  - next: restart worker 9" in markdown(load(next=[]))


def test_a_problem_that_is_evidence_of_a_finding_is_not_said_again_of_its_source() -> None:
    source = Seen("sql select 1", "sql", "could not be read", ["no way there", "too slow"])
    finding = Finding(
        "source_failed", Level.WARNING, "1 source could not be read whole", ["sql select 1: no way there"]
    )
    found = markdown(bare(sources=[source], findings=[finding]))
    assert found.count("no way there") == 1
    assert "- **warning**: sql select 1: could not be read\n  - **warning**: too slow\n" in found


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_elses_text_changes_the_shape_of_markdown(text: str) -> None:
    hostile = markdown(attacked(text))
    assert shape(hostile) == shape(markdown(attacked("x")))
    kinds = {token.type for token in flat(read(hostile))}
    assert not kinds & FOREIGN
    assert "em_open" not in kinds
    words = " ".join(token.content for token in flat(read(hostile)) if token.type == "text")
    assert not any(sign in words for sign in ("://", "www.", "@", "#1"))
    assert "\x1b" not in hostile
    hostile.encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("process load_erc.js is gone, since 15:02:11", "process `load_erc.js` is gone, since 15:02:11"),
        ("see https://x.y/z (and *this* one).", "see `https://x.y/z` (and `*this*` one)."),
        ("see http://localhost now", "see `http://localhost` now"),
        ("go on with: backfill resume 12", "go on with: `backfill resume 12`"),
        ("backfill-queue --resume", "`backfill-queue --resume`"),
        ("two odd_words a_b here", "two `odd_words a_b` here"),
        ("8-15 at 61.2 to 84.0 %", "8-15 at 61.2 to 84.0 %"),
        ("null share of min(block_number) is high", "null share of `min(block_number)` is high"),
        ("(see min(block_number)).", "(see `min(block_number)`)."),
        ("of round(a_b, 2), and f('x_y').", "of `round(a_b, 2)`, and `f('x_y')`."),
        ("columns a_b, c_d and e_f.", "columns `a_b`, `c_d` and `e_f`."),
        ("a bracket f_x(that nobody closes", "a bracket `f_x(that` nobody closes"),
        ("", "(empty)"),
    ],
)
def test_odd_words_of_a_sentence_are_code(text: str, said: str) -> None:
    assert sentence(text) == said


def test_a_line_of_others_is_code_as_a_whole() -> None:
    assert quote("a b.c d") == "`a b.c d`"
    assert quote("12 of 13") == "12 of 13"
    assert quote(" ") == "(empty)"


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [percent(one) for one in (0, 0.00001, 0.0123, 1, 61.25, 99.999, 100)] == [
        "0 %", "< 0.0001 %", "0.0123 %", "1 %", "61.25 %", "> 99.99 %", "100 %"
    ]  # fmt: skip


def test_the_line_of_a_check() -> None:
    said, numbers = line(load()).split(" | ")
    assert said == "WARNING - running: 61.7 % done, about 3 h 10 min left; worker 9 stands still"
    assert numbers.split() == [
        "percent=61.7", "rows=12345678", "range_start=9007199254740993", "range_end=9007199254990993", "rate=231004.5",
        "http_503=31", "gave_up=2",
    ]  # fmt: skip
    assert line(bare(level=Level.UNKNOWN, headline="nothing to tell from")) == "UNKNOWN - nothing to tell from"


def test_a_check_that_can_tell_nothing_says_why() -> None:
    unknown = bare(state=State.UNKNOWN, level=Level.UNKNOWN, headline="unknown: none of its sources could be read")
    assert line(unknown) == "UNKNOWN - none of its sources could be read"
    sources = [Seen("log a.log", "log", "read"), Seen("sql select 1", "sql", "could not be read", ["no way | there"])]
    assert line(replace(unknown, sources=sources)) == "UNKNOWN - sql select 1: no way / there"
    named = Seen("sql select 1", "sql", "could not be read", ["sql select 1 told nothing within 10 s"])
    assert line(replace(unknown, sources=[named])) == "UNKNOWN - sql select 1 told nothing within 10 s"


@pytest.mark.parametrize("level", Level)
def test_the_exit_code_of_a_check(level: Level) -> None:
    assert exit_code(load(level=level)) == EXIT_CODES[level] == ["ok", "warning", "critical", "unknown"].index(level)


@pytest.mark.parametrize("text", [*HOSTILE, "a|b=1\nOK - fine | x=2", "x" * 100_000])
def test_nobody_elses_text_adds_a_number_or_a_line_to_a_check(text: str) -> None:
    found = line(attacked(text))
    assert found.isprintable()
    assert found.count("|") == 1
    assert len(found) < 4_000
    assert all(value.isdigit() for _, value in (one.rsplit("=", 1) for one in found.split(" | ")[1].split()))


def test_numbers_that_are_none_are_not_among_those_of_a_check() -> None:
    values = (None, True, "7", float("nan"), float("inf"), 0.1)
    found = line(bare(stats=[Stat(f"n{place}", "n", value, "") for place, value in enumerate(values)]))
    assert found.endswith(" | n5=0.1")


def test_json_holds_ids_as_strings_times_in_iso_and_no_nan() -> None:
    found = as_json(load(stats=[*load().stats, Stat("x", "x", float("nan"), "?")]))
    stats = {one["name"]: one["value"] for one in found["stats"]}
    assert stats["range_start"] == "9007199254740993"
    assert stats["rows"] == 12_345_678
    assert stats["x"] is None
    assert found["at"] == NOW.isoformat()
    assert found["minutes"][-1] == {
        "minute": (NOW.replace(second=0) - timedelta(minutes=1)).isoformat(),
        "count": 208797,
    }
    assert (found["state"], found["level"], found["kind"]) == ("running", "warning", "database")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("text", HOSTILE)
def test_json_holds_texts_that_everybody_can_hold(text: str) -> None:
    found = json.dumps(as_json(attacked(text)), ensure_ascii=False)
    found.encode()
    assert found.isprintable()


def test_a_report_is_not_changed_by_being_shown() -> None:
    report = load()
    markdown(report), as_json(report), line(report)
    assert report == replace(load())


def test_a_sign_of_comparison_is_no_markup() -> None:
    assert sentence("12 of 13 (< 0.1 %), limit > 2 & more") == "12 of 13 (< 0.1 %), limit > 2 & more"


def test_unknown_is_not_said_twice() -> None:
    found = markdown(bare(level=Level.UNKNOWN, headline="unknown: no source was given"))
    assert "\n**unknown**: no source was given\n" in found


def test_times_of_the_end_that_are_alike_are_said_once() -> None:
    end = NOW + timedelta(hours=1)
    alike = Eta(None, end, end - timedelta(seconds=20), end + timedelta(seconds=30), None, "done at about 16:44 UTC")
    assert markdown(bare(eta=alike)).endswith("## ETA\n\n- done at about 16:44 UTC\n")
    apart = replace(alike, latest_at=end + timedelta(minutes=5))
    assert "- by the overall rate: " in markdown(bare(eta=apart))
    assert "- range: " in markdown(bare(eta=apart))


def test_few_minutes_have_no_spread() -> None:
    minutes = load().minutes
    assert "- 206,632 a minute over 2 minutes\n" in markdown(bare(minutes=minutes[-2:]))
    assert "at least" in markdown(bare(minutes=minutes[-3:]))
