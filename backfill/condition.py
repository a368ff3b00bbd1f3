"""The condition `where` of a definition: which columns of the table it names, and how it stands in our statements.

PostgreSQL says whether a condition is one (backfill/probing.py), with the columns found here and no others in reach:
what is overlooked here is refused there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from backfill.column_backfill import ColumnBackfill
from backfill.errors import SchemaError
from backfill.texts import one_line

MOST_SHOWN: Final = 300  # characters

# Texts and comments, in which nothing is a name; names; any other sign.
_TOKEN: Final = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | --[^\n]* | /\*.*?\*/ | (?<![\w$])\$([A-Za-z_]\w*|)\$.*?\$\1\$
      | (?P<quoted>"(?:[^"]|"")*") | (?P<name>[^\W\d][\w$]*) | (?P<sign>\S)""",
    re.VERBOSE | re.DOTALL,
)
_FOLDED: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}  # as PostgreSQL does, ASCII alone


def columns(definition: ColumnBackfill) -> tuple[str, ...]:
    """The names behind each `t.`; raises SchemaError where `t` stands alone, for a row of which all would be read."""
    words = [*_words(definition.where), "", ""]
    found = []
    for number, word in enumerate(words):
        if word != '"t' or (number and words[number - 1] == "."):
            continue
        dot, name = words[number + 1 : number + 3]
        if dot != "." or not name.startswith('"'):
            raise SchemaError(
                f"{title(definition)} has `t` without a column; name each column, such as t.is_active, and call tables "
                "of subqueries something else"
            )
        found.append(name[1:])
    return tuple(dict.fromkeys(found))


def _words(where: str) -> Iterator[str]:
    """Names, with a quote before each, and signs."""
    for match in _TOKEN.finditer(where):
        if match["quoted"]:
            yield '"' + match["quoted"][1:-1].replace('""', '"')
        elif match["name"]:
            yield '"' + match["name"].translate(_FOLDED)
        elif match["sign"]:
            yield match["sign"]


def beside(definition: ColumnBackfill, condition: str) -> str:
    """That condition of a mode, and `where`."""
    if not definition.where:
        return condition
    # A comment at the end of it must not take what follows.
    end = "\n" if "--" in definition.where else ""
    return f"({condition}) AND ({definition.where}{end})"


def without_prefix(definition: ColumnBackfill) -> str:
    """The condition as an index has it, on one line; empty without one, and where it has what no index may have."""
    words = list(_words(definition.where))
    if '"select' in words or "--" in definition.where or "/*" in definition.where:
        return ""
    found, at = [], 0
    for match in _TOKEN.finditer(definition.where):
        is_prefix = (match["name"] or "").translate(_FOLDED) == "t" or match["quoted"] == '"t"'
        behind = definition.where[match.end() :].lstrip()
        if is_prefix and behind.startswith("."):
            found.append(definition.where[at : match.start()])
            at = match.end() + definition.where[match.end() :].index(".") + 1
    return " ".join("".join([*found, definition.where[at:]]).split())


def title(definition: ColumnBackfill) -> str:
    return f"where of {type(definition).__name__}"


def shown(definition: ColumnBackfill) -> str:
    """It on one line, for people; empty without one."""
    return one_line(" ".join(definition.where.split()), MOST_SHOWN)


@contextmanager
def answering(definition: ColumnBackfill) -> Iterator[None]:
    """Raise SchemaError where a row has no answer: dividing by zero, a cast of what does not fit.

    Nothing but `where` can fail so in statements that only select.
    """
    try:
        yield
    except (asyncpg.DataError, asyncpg.PLPGSQLError) as error:
        if not definition.where:
            raise
        raise SchemaError(
            f"{title(definition)}: {one_line(error.args[0])}; it must not fail for any record: correct it, with CASE "
            "WHEN for one"
        ) from error
