"""A user's query, with its array of keys read by PostgreSQL itself from their texts."""

import re
from typing import Final

# Whatever a `$1` may stand in without being a parameter, then the parameter itself.
_TOKEN: Final = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
      | \$([A-Za-z_]\w*|)\$.*?\$\1\$ | (?<![\w$])\$(?P<n>\d+)""",
    re.VERBOSE | re.DOTALL,
)


def with_arrays(query: str, types: list[str]) -> str:
    """The query with each `$n` replaced by the array of the key's n-th column, of that type, given as a literal.

    The driver's own arrays go through Python's values, which not every key survives: `infinity`, a year 12000, an
    interval of a month.
    """

    def replaced(match: re.Match[str]) -> str:
        number = int(match["n"] or 0)
        if not 1 <= number <= len(types):
            return match[0]
        # In a query of its own: elsewhere PostgreSQL would read the literal again for each row that it filters.
        return f"((SELECT ${number}::text::{types[number - 1]}[])::{types[number - 1]}[])"

    return _TOKEN.sub(replaced, query)
