"""The patterns that are there without a profile: regular expressions over one line each, that re2 and re read alike.

Each is looked for in a whole stretch of a log at once, so that lines which match none cost next to nothing. An ordinary
line of a healthy log should match none.
"""

from typing import Final


def _either(*texts: str) -> str:
    return "(?i)" + "|".join(texts)


# Who: a number, or a name with a sign before it; "worker is" and "workers" name nobody.
_NUMBERED: Final = r"[\s_#:=\[(./\"'-]{0,4}(?P<worker>\d{1,18})"
_NAMED: Final = r"[-_#=\[/](?P<worker_named>[A-Za-z][\w-]{0,63})"
_WHO: Final = rf"\b(?:worker|shard|thread)(?:{_NUMBERED}|{_NAMED})\b"
_NUMBER: Final = r"\d[\d,_]{0,24}"
_PERCENT: Final = r"\d{1,4}(?:\.\d{1,9})?"
_UNITS: Final = r"(?:block|page|record|row|offset|item|batch|file|line|key|ledger|slot|height|epoch|day|id)"
_DONE: Final = r"(?:finished|completed?|done)"
_ENDS: Final = r"\b\s*(?:[.!,;:(|\"'-]|$|in\b|after\b|at\b|with\b|all\b|successfully)"
_IS: Final = r"\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?"  # between a key and its value, also of JSON inside of JSON
_MAY_BE: Final = r"\\?[\"']?\s{0,2}[:=]?\s{0,2}\\?[\"']?"
_FAILED: Final = r"\b(?:fail(?:ed|ure|s)?|error(?:ed)?|timed out|timeout|refused|unsuccessful|rejected)\b"
_OF: Final = r"\s?(?:/|of)\s?"
_TRIES: Final = r"(?:retries|attempts|tries)"


def _status(code: int, words: str) -> tuple[str, ...]:
    """An HTTP status; never a number of rows, a duration or a block."""
    behind = rf"(?:\s+(?:{words}|error|response|from|for|on|after|retry\w*)\b|\s*[^\w\s%.,]|[.,](?:\D|$)|\s*$)"
    return (
        rf"\bHTTP(?:/\d(?:\.\d)?)?{_MAY_BE}-?(?:status|code|error)?{_MAY_BE}{code}\b",
        rf"\bstatus(?:[\s_-]?code)?{_MAY_BE}{code}\b",
        rf"\b(?:response|error|http)[\s_-]?code{_MAY_BE}{code}\b",
        rf"\bcode{_IS}{code}\b",
        rf"\b(?:got|returned|received|response|responded with|answered|error)[:\s]{{1,3}}(?:an? )?{code}{behind}",
        rf"\" {code} (?:\d+|-)(?:\s|$)",  # of an access log
        rf"\b{code} (?:{words})\b",
        rf"\({code}\)",
        # A number behind a failure alone may be one of rows.
        rf"\b(?:attempt|try|retry|request|fetch|call|GET|POST|PUT)\b[^\n]{{0,120}}?\bfail(?:ed|ure|s)?"
        rf"(?:\s?[:(-]|\swith)\s?(?:an? )?{code}{behind}",
    )


_TRY: Final = r"\b(?:attempt|try|retry)\s?[#:=(]?\s?"
ATTEMPT_FAILED: Final = _either(
    rf"{_TRY}(?P<attempt>\d{{1,6}})(?:{_OF}(?P<of>\d{{1,6}}))?\b[^\n]{{0,120}}?{_FAILED}",
    rf"\bfail(?:ed|ure)\b[^\n]{{0,60}}?{_TRY}(?P<attempt_behind>\d{{1,6}})(?:{_OF}(?P<of_behind>\d{{1,6}}))?\b",
    rf"\b(?:re)?try {_FAILED}",
)
TRIES_AGAIN: Final = _either(
    r"\bretry(?:ing)?\b",
    r"\bwill be retried\b",
    r"\btr(?:y|ying) again\b",
    r"\bnext attempt\b",
    r"\bback(?:ing)? ?off\b",
)
GAVE_UP: Final = _either(
    r"\bgiv(?:ing|es) up\b|\bgave up\b",
    r"\bmax(?:imum)?\.?(?: number of)?[ _-](?:retry|retries|attempts|tries)\b[^\n]{0,30}?"
    r"\b(?:exceeded|reached|exhausted)\b",
    rf"\b{_TRIES}(?: (?:were|are|have been))? exhausted\b|\bexhausted (?:all )?(?:\w+ )?{_TRIES}\b",
    rf"\bfailed after (?:all )?\d{{1,6}} (?:\w+ )?{_TRIES}\b|\b(?:all|after) \d{{1,6}} {_TRIES} failed\b",
    rf"\bno (?:more )?{_TRIES} left\b|\bno more retries\b|\btoo many retries\b",
    r"\bretry limit (?:was )?(?:reached|exceeded)\b",
)
RECOVERED: Final = _either(
    r"\brecovered\b",
    r"\bsucceeded (?:after|on|at|in) (?:the )?(?:attempt|retry|\d{1,6}|\w{2,8} (?:attempt|retry))",
    r"\bsuccess(?:ful)? (?:after|on) (?:attempt|retry|\d{1,6})",
    rf"\battempt\s?[#:=]?\s?\d{{1,6}}(?:{_OF}\d{{1,6}})?\s?[:-]?\s?(?:succeeded|successful|ok)\b",
    rf"\bretry (?:succeeded|successful|ok)\b|\bok after \d{{1,6}} {_TRIES}\b",
)
HTTP_503: Final = _either(r"\bservice unavailable\b", *_status(503, "service"))
RATE_LIMIT: Final = _either(
    r"\brate[ _-]?limit(?:ed|ing|s|er)?\b", r"\btoo many requests\b", r"\bthrottled\b", *_status(429, "too many")
)
ERROR: Final = _either(
    r"\berrors?\b|\[ERR\]|\bexceptions?\b|\bfail(?:ed|ures?)\b", r"\b[A-Za-z]{1,60}(?:Error|Exception)\b"
)
FATAL: Final = _either(
    r"\bfatal\b|\bpanic(?:ked)?\b|\bcrash(?:ed|es|ing)?\b|\bkilled\b|\bcore dumped\b",
    r"\bOOM(?:[- ]?killed|[- ]?killer)?\b|\bout of memory\b",
    r"\bsegmentation fault\b|\bsegfault\b|\bSIG(?:KILL|SEGV|ABRT|BUS)\b",
    r"\bTraceback \(most recent call last\)|\bunhandled (?:promise )?(?:exception|rejection)|\buncaught exception\b",
    r"\bexited: [^\n]{1,80}not expected\)",  # of supervisord
)
DISK_FULL: Final = _either(
    r"\bno space left\b|\bENOSPC\b", r"\bdisk(?: is)? full\b", r"\bdisk quota exceeded\b|\bEDQUOT\b"
)
FINISHED: Final = _either(
    r"\b(?:backfill|load|import|sync|export|download|migration|job|everything|all(?: \w{1,20}){0,3})"
    rf"(?: is| are| was| were| has| have| now)?(?: been)?[ :]{{1,2}}{_DONE}{_ENDS}",
    rf"(?:^|[|\]:] |:\d\d(?:[.,]\d{{1,9}})?Z? )(?:all )?{_DONE}[.!]?\s*$",
)
WORKER_PERCENT: Final = _either(rf"{_WHO}[^%\n]{{0,80}}?(?P<percent>{_PERCENT})\s{{0,2}}%")
PERCENT: Final = _either(
    rf"\b(?:progress|completed?|done|finished)\b[^%\n\d]{{0,20}}(?P<percent>{_PERCENT})\s{{0,2}}%",
    rf"\b(?P<percent_before>{_PERCENT})\s{{0,2}}%\s{{0,2}}(?:\(?(?:completed?|done|finished)\b|\|)",
    rf"\b(?P<unit>batch|chunk|part)\s#?(?P<position>{_NUMBER}){_OF}(?P<total>{_NUMBER})\b[^\n]{{0,40}}?\b{_DONE}\b",
)
_PLACE: Final = rf"\b(?P<unit>{_UNITS})s?[\s:#=]{{0,3}}(?P<position>{_NUMBER})(?:{_OF}(?P<total>{_NUMBER}))?"
_MANY: Final = rf"\b(?P<count>{_NUMBER})(?:{_OF}(?P<of>{_NUMBER}))?\s(?P<counted>{_UNITS})s\b"
WORKER_POSITION: Final = _either(rf"{_WHO}[^\n]{{0,60}}?(?:{_PLACE}|{_MANY})")
WORKER_FINISHED: Final = _either(rf"{_WHO}[\s\]):|,-]{{0,4}}(?:has |is |was |now |all )?{_DONE}{_ENDS}")
# Of the whole: what is done, of how much.
AMOUNT: Final = _either(
    rf"\b(?P<count>{_NUMBER})\s?(?:/|of)\s?(?P<total>{_NUMBER})\s(?P<counted>row|record|file|call|request)s\b",
    # Of what is not said: records.
    rf"\b(?:processed|imported|inserted|loaded|exported|synced|migrated|copied|written|updated|progress)"
    rf"[:\s]{{1,3}}(?P<done>{_NUMBER})\s?(?:/|of)\s?(?P<all>{_NUMBER})\s*(?:$|[;(|]|[,.](?:\s|$))",
)
ROLLING: Final = r"\[(?P<count>\d[\d,]{0,24})\] Rate: [\d,.]{1,30}/sec \| Updated: "
ROLLED: Final = r"\bProcessed (?P<count>\d[\d,]{0,24}) records in [\d.]{1,20} s \([\d,.]{1,30}/sec\) \| Updated: "
OBJECT: Final = _either(r"\"(?:worker|shard|thread)(?:[_-]?(?:id|name|no|num|number|index))?\"\s?:")

COUNTED: Final = {
    "attempt_failed": ATTEMPT_FAILED,
    "gave_up": GAVE_UP,
    "recovered": RECOVERED,
    "http_503": HTTP_503,
    "rate_limit": RATE_LIMIT,
    "error": ERROR,
    "fatal": FATAL,
    "disk_full": DISK_FULL,
}
UNDERSTOOD: Final = {
    "worker_percent": WORKER_PERCENT,
    "worker_position": WORKER_POSITION,
    "worker_finished": WORKER_FINISHED,
    "rolling": ROLLING,
    "finished": FINISHED,
}
# Beside one of those; gone with it when a profile has its own.
BESIDE: Final = {
    "percent": ("worker_percent", PERCENT),
    "amount": ("worker_position", AMOUNT),
    "object": ("worker_percent", OBJECT),
    "rolled": ("rolling", ROLLED),
}
