"""Named regular expressions over the lines of a log: the defaults, and a profile's own in their place or beside them.

All are matched in linear time (google-re2), so that none can be made to run for ever.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from backfill.monitor.logs import defaults
from backfill.texts import counted, one_line

MOST: Final = 100  # of a profile's own
MOST_OF_ONE: Final = 2_000  # characters
MEMORY: Final = 8 * 1024 * 1024  # of the automaton that looks for all of them
MEMORY_OF_ONE: Final = 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# What may hold something that looks like a named group and is none, and named groups.
_NAMED: Final = re.compile(rb"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?P?<\w+>", re.S)


class Expression(Protocol):
    """A compiled expression over bytes, of re or of re2."""

    def search(self, text: bytes, /) -> Any: ...


@dataclass(frozen=True)
class Patterns:
    """What is looked for in every line."""

    expressions: dict[str, Expression]  # by name
    order: tuple[str, ...]  # of `several`
    counted: frozenset[str]  # names of those whose lines are counted
    own: frozenset[str]  # names of those that the profile brings
    any: Any  # one expression for all of them
    several: Any
    mistakes: list[str] = field(default_factory=list)

    def names(self, line: bytes) -> set[str]:
        """The names of those that are in a line."""
        return {self.order[number] for number in self.several.Match(line) or ()}

    def groups(self, name: str, line: bytes) -> tuple[dict[str, bytes], Any]:
        """What the named groups of a pattern hold, and the match; nothing, and None, where it is not in the line."""
        found = self.expressions[name].search(line)
        if found is None:
            return {}, None
        # Names are bytes in re2.
        told = {key if isinstance(key, str) else key.decode(): value for key, value in found.groupdict().items()}
        return {key: value for key, value in told.items() if value is not None}, found


def compiled(own: Mapping[str, str]) -> Patterns:
    """The defaults with a profile's own; one that cannot be used is among the mistakes, and the others are."""
    mistakes: list[str] = []
    texts = {**defaults.COUNTED, **defaults.UNDERSTOOD, **{name: text for name, (_, text) in defaults.BESIDE.items()}}
    expressions: dict[str, Expression] = {name: re.compile(text.encode()) for name, text in texts.items()}
    used = set()
    if len(own) > MOST:
        mistakes.append(f"there are {counted(len(own), 'pattern')}, and the first {MOST} are used; leave some out")
    for name, text in list(own.items())[:MOST]:
        made = _made(name, text)
        if isinstance(made, str):
            mistakes.append(made)
            continue
        used.add(name)
        texts[name], expressions[name] = text, made
        for beside, (whose, _) in defaults.BESIDE.items():
            if whose == name:
                texts.pop(beside, None), expressions.pop(beside, None)
    encoded = [texts[name].encode() for name in expressions]
    return Patterns(
        expressions,
        tuple(expressions),
        frozenset(expressions) - set(defaults.UNDERSTOOD) - set(defaults.BESIDE),
        frozenset(used),
        _any(encoded),
        _several(encoded),
        mistakes,
    )


def _made(name: str, text: str) -> Expression | str:
    if not _NAME.fullmatch(name) or name in defaults.BESIDE:
        return f"pattern {one_line(name, 64)!r} cannot be called that; use letters, digits and underscores"
    if len(text) > MOST_OF_ONE:
        return f"pattern {name} has {len(text):,} characters and may have {MOST_OF_ONE:,}; shorten it"
    import re2

    try:
        made = re2.compile(text.encode("utf-8", "replace"), _options(MEMORY_OF_ONE))
    except re2.error as error:
        return f"pattern {name} cannot be used: {_why(error)}; write it without, or another way"
    if made.search(b"") is not None:
        return f"pattern {name} matches an empty line, and so every one; say what must be there"
    return made  # type: ignore[no-any-return]


def _why(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "perl operator: (?" in text or "escape sequence: \\" in text:
        return f"{one_line(text, 200)} (lookaround and references back take more than linear time, and are not there)"
    return one_line(text, 200)


def _any(encoded: list[bytes]) -> Any:
    import re2

    return re2.compile(
        b"(?m)" + b"|".join(b"(?:" + _NAMED.sub(_unnamed, one) + b")" for one in encoded), _options(MEMORY)
    )


def _unnamed(found: "re.Match[bytes]") -> bytes:
    return b"(?:" if found[0][:2] == b"(?" else found[0]


def _several(encoded: list[bytes]) -> Any:
    import re2

    several = re2.Set.SearchSet(_options(MEMORY))
    for one in encoded:
        several.Add(one)
    several.Compile()
    return several


def _options(memory: int) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False  # it would write them to standard error
    options.never_nl = True  # so that nothing is found across lines
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are: a log need not be UTF-8
    options.max_mem = memory
    return options
