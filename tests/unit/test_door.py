"""Whatever a record says, and through whichever door it leaves: no sign rules the terminal, and no line is forged."""

import contextvars
import io
import json
import logging
import sys
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner

from backfill import door, drawing, exposition, log, texts
from backfill.commands import list as listing
from backfill.commands import table
from backfill.commands.sheet import print_csv
from backfill.console import note, print_json, say
from backfill.invocation import Call, CallGroup
from tests.support import forgeries

SEED, COUNT, AT_ONCE = 20_260_101, 4_000, 25
TEXTS = list(forgeries.texts(SEED, COUNT))


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@click.command(cls=Call)
@click.option("--number", type=int)
def call(number: int) -> None:
    """Take a number."""


@click.group(cls=CallGroup)
def group() -> None:
    """Take a command."""


def called(command: click.Command, *words: str) -> None:
    answer = CliRunner().invoke(command, words)
    assert answer.exit_code == 2, answer
    sys.stdout.write(answer.output)


def as_json(text: str) -> None:
    log.use("debug", "json", uuid4())
    with log.having(partition=text):
        say(text)
        note(f"warning: {text}")
        door.trouble(text)


def logged(text: str) -> None:
    handler = logging.lastResort
    assert handler is not None
    record = logging.LogRecord("library", logging.ERROR, "", 1, "%s", (text,), (ValueError, ValueError(text), None))
    handler.handle(record)


def unforeseen(text: str) -> None:
    error = type("Own\nError", (ValueError,), {})(text)
    error.add_note(text)
    sys.excepthook(type(error), error, None)
    threading.excepthook(threading.ExceptHookArgs((type(error), error, None, None)))
    warnings.showwarning(text, UserWarning, "file.py", 1)
    logged(text)


def drawn(text: str) -> None:
    drawing.show(drawing.panel(text, text, drawing.text("first", text), drawing.table(("a", text), [(text, text)])))
    bar = drawing.Bar("{task.fields[state]}", "{task.fields[more]}", state=text, more=text, total=2)
    bar.update(completed=1, state=text, more=text)
    bar.end()


def metrics(text: str) -> None:
    gauge = exposition.GaugeMetricFamily("jobs", "Jobs.", labels=["backfill"])
    gauge.add_metric([text], 1)
    door.lines(exposition.text(lambda: [gauge]))


DOORS: dict[str, Callable[[str], object]] = {
    "line": lambda text: door.line(text, f"between {text} and", text),
    "lines": lambda text: door.lines(f"first\nsecond {texts.one_line(text)}\nthird"),
    "say": say,
    "note": lambda text: note(f"error: {text}"),
    "warn": lambda text: log.warn(say, text),
    "json log": as_json,
    "json": lambda text: print_json({"text": text, text: [text]}),
    "table": lambda text: table.print_table(["a", "b"], [[text, "x"], ["y", text]]),
    "list": lambda text: listing._print_table([tuple(f"{text}{n}" for n in range(8))]),
    "drawn": drawn,
    "csv": lambda text: print_csv(["a"], [[text], [f"a{text}"]], is_safe=False),
    "csv-safe": lambda text: print_csv(["a"], [[text], [f"a{text}"]], is_safe=True),
    "metrics": metrics,
    "unforeseen": unforeseen,
    "wrong number": lambda text: called(call, "--number", f"{text}x"),
    "wrong option": lambda text: called(call, f"--{text}x"),
    "wrong word": lambda text: called(call, f"x{text}"),
    "wrong command": lambda text: called(group, f"x{text}"),
}
DRAWING = {"drawn", "table", "list"}
SLOW = {"drawn": 20, "table": 10, "list": 10, "unforeseen": 5} | {name: 8 for name in DOORS if "wrong" in name}


HOOKS = (
    *((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")),
    *((warnings, "showwarning"), (logging, "lastResort")),
)


def through(work: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch, some: list[str]) -> str:
    """What comes out of the door, on a terminal, for these texts."""
    terminal = Terminal()
    with monkeypatch.context() as patched:
        for stream in ("stdout", "stderr"):
            patched.setattr(sys, stream, terminal)
        for module, hook in HOOKS:
            patched.setattr(module, hook, getattr(module, hook))  # to be put back
        patched.setattr(table, "is_terminal", lambda: True)
        patched.setenv("TERM", "xterm-256color")
        patched.setenv("COLUMNS", "1000")
        door.guard()
        for text in some:
            contextvars.copy_context().run(work, text)
    return terminal.getvalue()


@pytest.mark.parametrize("name", DOORS)
def test_no_text_gets_out_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"seed {SEED}")
    some = TEXTS[:: SLOW.get(name, 1)]
    allowed = forgeries.shapes(through(DOORS[name], monkeypatch, ["clean"])) if name in DRAWING else set()
    for start in range(0, len(some), AT_ONCE):  # where one gets out, the first few say so
        forgeries.need_none(through(DOORS[name], monkeypatch, some[start : start + AT_ONCE]), allowed=allowed)


@pytest.mark.parametrize("name", sorted(DOORS.keys() - {"json", "json log"}))
def test_without_the_escapes_it_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would find nothing anywhere."""
    monkeypatch.setattr(texts, "one_line", lambda value, most=0: str(value))
    for module in (door, drawing, listing, table, exposition, sys.modules["backfill.invocation"]):
        monkeypatch.setattr(module, "one_line", texts.one_line, raising=False)
    with pytest.raises((AssertionError, UnicodeEncodeError)):  # Prometheus takes no lone surrogate
        test_no_text_gets_out_as_it_is(name, monkeypatch)


def test_json_gives_the_very_text_back(capsys: pytest.CaptureFixture[str]) -> None:
    for text in TEXTS:
        print_json({"id": text})
        out = capsys.readouterr().out
        assert json.loads(out)["id"] == text
        assert out.count("\n") == 1
        assert out.isascii()


def test_a_question_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def ask() -> None:
        for text in TEXTS[::10]:
            door.confirmed(f"delete {text}?")

    answer = CliRunner().invoke(ask, input="y\n" * COUNT)
    forgeries.need_none(answer.stderr)


def test_markup_and_emoji_are_texts_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DRAWING:
        out = forgeries.CSI.sub("", through(DOORS[name], monkeypatch, ["[red]x[/red]:warning:"]))
        assert "[red]x[/red]:warning:" in out


def test_what_goes_wrong_in_a_scrape_is_no_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    some = "x" + "".join(forgeries.texts(SEED, 50, stored=True))

    def fail() -> Any:
        raise ValueError(some)

    with exposition.serving(fail, exposition.LOOPBACK, 0) as url, pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url, timeout=5)  # noqa: S310 - our own
    said = capsys.readouterr().err
    assert "ValueError: x" in said
    forgeries.need_none(said)


def test_a_thread_may_end_itself_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_: str) -> None:
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()

    assert through(work, monkeypatch, ["once"]) == ""
