"""Text from anywhere becomes text that can be stored and shown."""

import io
import json
import sys

import pytest

from backfill.console import note, say
from backfill.texts import clean, in_a_line, is_fit, one_line, why
from tests.support import forgeries


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Wrong:
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Stubborn(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")


class SilentError(Exception):
    def __str__(self) -> str:
        raise ValueError("still no text")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain, ünïcödé 🙂", "plain, ünïcödé 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("nul \x00 here", "nul \\x00 here"),
        ("a lone \ud800 surrogate", "a lone \\ud800 surrogate"),
        ("\x1b[2J wiped", "\\x1b[2J wiped"),
        ("\x9b2J \x7f", "\\x9b2J \\x7f"),
        ("back\r", "back\\x0d"),
        (12, "12"),
        (None, "None"),
        (Mute(), "<Mute without a text>"),
        (Wrong(), "<Wrong without a text>"),
        (Stubborn("x"), "<Stubborn without a text>"),
    ],
)
def test_what_cannot_be_held_is_written_out(value: object, text: str) -> None:
    found = clean(value)
    assert found == text
    assert is_fit(found)
    found.encode()
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["x" * 2_001, "\x00" * 2_000, "\x00" * 5_000_000])
def test_long_text_is_cut_with_a_mark(text: str) -> None:
    assert len(clean(text)) == 2_000
    assert clean(text).endswith("…")
    assert len(clean(text, 10)) == 10
    assert clean("x" * 2_000) == "x" * 2_000


def test_an_error_is_told_by_its_class_and_message() -> None:
    assert why(ValueError("bad")) == ("ValueError", "bad")
    assert why(ValueError()) == ("ValueError", "ValueError")
    assert why(ValueError("nul \x00")) == ("ValueError", "nul \\x00")
    assert why(SilentError()) == ("SilentError", "<SilentError without a text>")
    long = type("E" * 500, (Exception,), {})
    assert why(long()) == ("E" * 199 + "…", "E" * 199 + "…")


def test_in_a_line_no_class_stands_twice() -> None:
    assert in_a_line(ValueError("no")) == "ValueError: no"
    assert in_a_line(TimeoutError()) == "TimeoutError"


def test_a_class_whose_name_cannot_be_asked_for_has_one_all_the_same() -> None:
    class Meta(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise RuntimeError("no name")

    class NamelessError(Exception, metaclass=Meta):
        pass

    assert why(NamelessError("text")) == ("NamelessError", "text")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_line_of_a_process_is_printed_whatever_is_in_it(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    say("a lone \ud800 surrogate, a \x1b[2J and … an ellipsis")
    note("the same \udcff")
    said = written.getvalue().decode(encoding)
    assert "a lone \\ud800 surrogate, a \\x1b[2J and " in said
    assert "the same \\udcff\n" in said


def test_every_sign_that_has_no_shape_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        if forgeries.is_forging(sign):
            assert one_line(sign).startswith("\\"), f"U+{code:04X}"
        elif sign in forgeries.DRAWN:
            assert one_line(sign) == sign


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("plain, ünïcödé 🙂", "日本語", "עברית", "العربية", "a\u00a0b", "C:\\new", "[red]", "⚠️"):
        assert one_line(text) == text
