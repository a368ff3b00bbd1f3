"""How often each kind of error was seen, and how often it may be."""

from collections.abc import Iterator

from backfill.monitor.judging.case import Case
from backfill.monitor.judging.tries import failed_retries
from backfill.monitor.logs.defaults import UNDERSTOOD
from backfill.monitor.readings import Happened, Line, Reading
from backfill.monitor.report import Error
from backfill.texts import one_line

LABELS = {
    "http_503": "HTTP 503",
    "rate_limit": "rate limits (429)",
    "attempt_failed": "attempts that failed",
    "recovered": "recovered",
    "gave_up": "failed retries",
    "error": "errors",
    "fatal": "fatal lines",
    "disk_full": "no space left",
}
ALWAYS = ("http_503", "gave_up", "fatal")  # shown where a log was read, even when there are none
WELL = ("attempt_failed", "recovered")
MOST_OWN = 100
MOST_OF_A_LINE = 500


def errors(case: Case) -> list[Error]:
    """Those that were seen, the user's own patterns behind ours."""
    return [*_ours(case), *_own(case)]


def _ours(case: Case) -> Iterator[Error]:
    limits, is_read = case.profile.limits, any(map(_is_read, case.readings))
    refused = f"< {limits.http_503_an_hour:,} an hour"
    for name, label in LABELS.items():
        found = case.happened(name)
        total = failed_retries(case) if name == "gave_up" else found.total
        if not total and not (name in ALWAYS and is_read):
            continue
        hour = case.last_hour(found)
        match name:
            case "http_503" | "rate_limit":
                is_within = (found.total if hour is None else hour) < limits.http_503_an_hour
                yield _error(name, label, total, hour, refused, is_within, found)
            case "gave_up":
                yield _error(
                    name, label, total, hour, str(limits.failed_retries), total <= limits.failed_retries, found
                )
            case "fatal" | "disk_full":
                yield _error(name, label, total, hour, "0", total == 0, found)
            case _:
                yield _error(name, label, total, hour, None, True, found)


def _is_read(reading: Reading) -> bool:
    """Whether there was a log of which it can be said how often something is in it."""
    is_told = bool(reading.workers or reading.happened)
    return reading.kind == "log" and (is_told or (reading.newest_at is not None and not reading.problems))


def _own(case: Case) -> Iterator[Error]:
    known = {*LABELS, *UNDERSTOOD}  # what is understood is no error
    names = dict.fromkeys(name for one in case.readings for name in one.happened if name not in known)
    for name in list(names)[:MOST_OWN]:
        found = case.happened(name)
        yield _error(one_line(name, 100), one_line(name, 100), found.total, case.last_hour(found), None, True, found)


def _error(
    name: str, label: str, total: int, hour: int | None, target: str | None, is_within: bool, found: Happened
) -> Error:
    # What is as it should be is shown by its newest line, what went well again by none.
    lines = found.examples if not is_within or target is None else found.examples[-1:]
    lines = [] if name in WELL else lines
    return Error(name, label, total, hour, target, is_within, [_example(line) for line in lines])


def _example(line: Line) -> dict[str, str]:
    return {"place": one_line(line.place, 200), "text": one_line(line.text, MOST_OF_A_LINE)}
