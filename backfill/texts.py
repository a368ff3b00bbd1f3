"""Text from anywhere, made so that PostgreSQL, its jsonb and AMQP headers can hold it, and misleads no reader."""

import re
from typing import Final

# NUL and lone surrogates are refused by PostgreSQL; the other controls can rule a reader's terminal.
UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# The same; what begins a line or a field; and what nobody sees, but which turns text around, joins it or fills it up.
FORGING: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
_SHORT: Final = {"\n": "\\n", "\t": "\\t"}
# A command as we write one, up to the end of the text, of those that change nothing but what its reader wants to go on:
# names of others stand in our sentences, and what they hold is not to be copied into a shell.
_COMMAND: Final = re.compile(
    r"(|.*: )(backfill (?:dead|events|failures|init|limits|list|monitor|queues|resume|services|status|workers)"
    r"(?: [A-Za-z0-9_./:=-]+)*|backfill-queue --resume)",
    re.S,
)
MOST: Final = 2_000
MOST_OF_A_NAME: Final = 200


def clean(value: object, most: int = MOST) -> str:
    """The value as text of at most `most` characters; what cannot be held is written out, and nothing is raised."""
    return _written(value, most, UNFIT)


def one_line(value: object, most: int = MOST) -> str:
    """The same, on one line and in one field of a line, and with nothing in it that a reader would not see."""
    return _written(value, most, FORGING)


def _written(value: object, most: int, out: re.Pattern[str]) -> str:
    try:
        # A subclass's own methods end here: what follows works on plain text.
        text = "".join(str(value))
    except BaseException:  # also one that would end the process
        text = f"<{_name(value)} without a text>"
    # Before the work, as the text may be huge; and after it, as escapes are longer than what they stand for.
    text = out.sub(_escape, text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun: 1 batch, 2,000 batches."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def parted(text: str) -> tuple[str, str]:
    """A sentence, and the command of ours at its end, which may be nothing, or all of it."""
    found = _COMMAND.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


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
    if code < 0x100:
        return _SHORT.get(found[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _name(value: object) -> str:
    # Past a metaclass's own idea of a name.
    return type.__dict__["__name__"].__get__(type(value))  # type: ignore[no-any-return]


def percent(part: int, whole: int) -> str:
    """Never 100 % unless it is all of them."""
    return f"{min(100 * part / whole, 99.9 if part < whole else 100.0):.1f}%" if whole else "100.0%"


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units, such as 1 h 05 min."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
