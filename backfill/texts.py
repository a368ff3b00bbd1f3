"""Text from anywhere, made so that PostgreSQL, its jsonb, AMQP headers and a terminal can hold it."""

import re
from typing import Final

# NUL and lone surrogates are refused by PostgreSQL; the other controls can rule a reader's terminal.
UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAKS: Final = {"\n": "\\n", "\t": "\\t", "\u2028": "\\u2028", "\u2029": "\\u2029"}
MOST: Final = 2_000
MOST_OF_A_NAME: Final = 200


def clean(value: object, most: int = MOST) -> str:
    """The value as text of at most `most` characters; what cannot be shown is written out, and nothing is raised."""
    try:
        # A subclass's own methods end here: what follows works on plain text.
        text = "".join(str(value))
    except BaseException:  # also one that would end the process
        text = f"<{_name(value)} without a text>"
    # Before the work, as the text may be huge; and after it, as escapes are longer than what they stand for.
    text = UNFIT.sub(_escape, text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun: 1 batch, 2,000 batches."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def one_line(value: object, most: int = MOST) -> str:
    """The same, on one line and in one field of a line."""
    return "".join(_BREAKS.get(sign, sign) for sign in clean(value, most))


def why(error: BaseException) -> tuple[str, str]:
    """The error's class and message, for the ledger; an error without a message is told by its class."""
    name = clean(_name(error), MOST_OF_A_NAME)
    return name, clean(error) or name


def in_a_line(error: BaseException) -> str:
    """The same as one text."""
    name, message = why(error)
    return name if message == name else f"{name}: {message}"


def is_fit(text: str) -> bool:
    """Whether the text can be held as it is."""
    return UNFIT.search(text) is None


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _name(value: object) -> str:
    # Past a metaclass's own idea of a name.
    return type.__dict__["__name__"].__get__(type(value))  # type: ignore[no-any-return]


def percent(part: int, whole: int) -> str:
    """Never 100 % unless it is all of them."""
    return f"{min(100 * part / whole, 99.9 if part < whole else 100.0):.1f}%" if whole else "100.0%"
