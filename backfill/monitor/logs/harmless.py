"""What says that nothing is wrong in the words of what is, and percentages of something that is no progress."""

import re
from typing import Final

_WORDS: Final = r"(?:errors?|exceptions?|fail(?:ed|ures?)?|crash(?:ed|es)?|fatals?|killed|panics?|recovered|retries)"
_OF_THEM: Final = r"(?:[ _-]?(?:rate|count|total|ratio|percent|pct|rows|records))?"
_IS: Final = r"\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?"
_NOTHING: Final = r"(?:0(?:\.0+)?\b|null\b|none\b|nil\b|false\b|\"|'|\[\]|-(?:\s|$))"
_LIMIT: Final = r"\brate[ _-]?limit(?:er|ing|s)?"

HARMLESS: Final = re.compile(
    "|".join(
        (
            rf"(?i)(?:^|[^\w:.,])(?:0|no|zero|without(?: any)?|non|not|never) ?-? ?(?:\w{{1,20}} )?{_WORDS}\b",
            rf"\b{_WORDS}{_OF_THEM}{_IS}{_NOTHING}",
            r"\berror[ _-](?:rate|ratio|percent|count|total|budget|handling|handler)\b",
            r"\bfail(?:ed|ure)[ _-](?:rate|ratio|percent)\b",
            # Limits that are set, not hit.
            rf"{_LIMIT}(?:{_IS}|\s(?:of|is|set)?\s?(?:to|at)?\s?)(?:\d|none\b|null\b|false\b|off\b)",
            rf"{_LIMIT}[ -](?:remaining|limit|window|reset|policy|enabled|disabled|configured)\b",
            r"\bcan(?:not| not|'t) be recovered\b|\bcould not be recovered\b|\bunrecovered\b",
        )
    ).encode()
)
# The same in a line that tells progress, which repeats its sums.
SUMS: Final = re.compile(rf"(?i)\b{_WORDS}{_IS}\d[\d,]{{0,24}}|\b\d[\d,]{{0,24}} {_WORDS}\b".encode())
# Percent of something that is no progress, by the words before it and behind it.
_OTHERS: Final = (
    r"cpu|mem|memory|rss|heap|disk|load|hits?|cache|success|usage|used|util\w*|battery|busy|idle|free|errors"
)
OTHER_BEFORE: Final = re.compile(rf"(?i)\b(?:{_OTHERS}|error)\b".encode())
OTHER_BEHIND: Final = re.compile(rf"(?i)\s?(?:of )?(?:{_OTHERS})\b".encode())
