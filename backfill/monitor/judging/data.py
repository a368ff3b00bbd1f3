"""The quality of the data: shares of what should not be there, each against its limit."""

from collections.abc import Iterator

from backfill.monitor.judging.case import Case
from backfill.monitor.readings import Measure
from backfill.monitor.report import Finding, Level, Quality


def quality(case: Case) -> list[Quality]:
    """Every check that a source has measured."""
    limits = case.profile.limits
    rows = case.measure(Measure.ROWS)
    return [
        *_share(case, Measure.ZERO_VALUES, "zero values", rows, limits.zero_values_percent),
        *_share(case, Measure.NULL_VALUES, "NULL values", rows, limits.null_values_percent),
        *_share(case, Measure.ZERO_TIMESTAMPS, "zero timestamps", rows, limits.zero_timestamps_percent),
        *_none(case, Measure.CHECKSUM_ERRORS, "checksum errors"),
        *_none(case, Measure.VALIDATION_ERRORS, "validation errors"),
        *_none(case, Measure.READ_ERRORS, "read errors"),
    ]


def findings(checks: list[Quality]) -> list[Finding]:
    """One of all checks that fail."""
    failed = [one for one in checks if not one.is_within]
    if not failed:
        return []
    step = "look at some of these, find what wrote them, and do those again"
    text = f"the data is not as it should be: {', '.join(f'{one.label} {one.count:,}' for one in failed)}"
    return [Finding("quality", Level.WARNING, text, [_text(one) for one in failed], step)]


def _text(one: Quality) -> str:
    if one.limit is None:
        return f"{one.label}: {one.count:,}, none is allowed"
    whole = "an unknown number" if one.of is None or one.share is None else f"{one.of:,}, {one.share:.3g} %"
    return f"{one.label}: {one.count:,} of {whole}; less than {one.limit:g} % is healthy"


def _share(case: Case, measure: Measure, label: str, rows: float | None, limit: float | None) -> Iterator[Quality]:
    count = case.measure(measure)
    if count is None:
        return
    share = min(100 * count / rows, 100.0) if rows else None
    is_within = limit is None or not count or (share is not None and share < limit)
    yield Quality(measure.value, label, round(count), round(rows) if rows else None, share, limit, is_within)


def _none(case: Case, measure: Measure, label: str) -> Iterator[Quality]:
    # A pattern of that name counts lines of a log.
    told = case.happened(measure.value).total
    count = max(case.measure(measure) or 0.0, float(told))
    if told or case.measure(measure) is not None:
        yield Quality(measure.value, label, round(count), None, None, None, count == 0)
