"""Whatever is in a report, every way of saying it says something, and raises nothing."""

import io
import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from backfill.monitor.render.as_json import as_json
from backfill.monitor.render.html import page
from backfill.monitor.render.markdown import markdown
from backfill.monitor.render.nagios import line
from backfill.monitor.render.screen import screen
from backfill.monitor.report import Quality, Report, Stat, WorkerGroup
from backfill.texts import FORGING
from backfill.web.look import plain
from tests.support.reports import NOW, attacked

TEXTS = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["`" * 9, "|" * 9, "backfill x", "[/]", "<!--", "x" * 3_000]
)
NUMBERS = st.integers(-(10**30), 10**30)
SHARES = st.floats()
VALUES = st.none() | st.booleans() | NUMBERS | SHARES | TEXTS


@st.composite
def reports(draw: st.DrawFn) -> Report:
    text = draw(TEXTS)
    whole = attacked(text)
    return replace(
        whole,
        stats=[*whole.stats, Stat("percent", text, draw(VALUES), text), Stat("range_end", text, draw(VALUES), text)],
        workers=[WorkerGroup([text], text, draw(st.booleans()), draw(SHARES), draw(SHARES), "percent")],
        quality=[Quality(text, text, draw(NUMBERS), draw(NUMBERS), draw(SHARES), draw(SHARES), draw(st.booleans()))],
        minutes=[
            {"minute": NOW - timedelta(minutes=number), "count": count}
            for number, count in enumerate(draw(st.lists(NUMBERS, max_size=5)))
        ],
    )


@settings(max_examples=60, deadline=None)
@given(reports(), st.integers(10, 200))
def test_nothing_in_a_report_breaks_what_says_it(report: Report, width: int) -> None:
    markdown(report).encode()
    page(report).encode()
    found = json.dumps(as_json(report), allow_nan=False, ensure_ascii=False)
    found.encode()
    plain(json.loads(found))
    said = line(report)
    assert not FORGING.search(said)
    assert said.count("|") == 1
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=False).print(screen(report))
    drawn = file.getvalue()
    assert not FORGING.search(drawn.replace("\n", ""))
