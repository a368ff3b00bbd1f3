"""A report as Markdown, for a ticket, a chat or a pipe."""

from collections.abc import Iterator

from backfill.markdown import quote, sentence, table
from backfill.monitor.render.sections import SHOWN_MINUTES, Item, Section, facts, sections
from backfill.monitor.report import Report


def markdown(report: Report) -> str:
    """The report as a text whose every line is ours; what others wrote can be neither markup nor a link in it."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {quote(report.title)}: {report.state.value}"
    yield ""
    level = report.level.value
    yield f"**{level}**: {sentence(report.headline.removeprefix(f'{level}: '))}"  # unknown is a state as well
    yield ""
    for fact in facts(report)[1:]:
        yield f"- {fact.label}: {_text(fact)}"
    for section in sections(report):
        yield from ("", f"## {section.title}", "", *_section(section))


def _section(section: Section) -> Iterator[str]:
    for number, item in enumerate(section.items, 1):
        yield from _item(item, f"{number}. " if section.is_ordered else "- ")
    if section.minutes:
        rows = [[minute, f"{count:,}"] for minute, count in section.minutes[-SHOWN_MINUTES:]]
        yield from ("", *table(["minute (UTC)", "count"], rows))


def _item(item: Item, mark: str, before: str = "") -> Iterator[str]:
    level = f"**{item.level.value}**: " if item.level else ""
    label = f"{quote(item.label)}: " if item.label else ""
    yield f"{before}{mark}{level}{label}{_text(item)}"
    for one in item.under:
        yield from _item(one, "- ", before + " " * len(mark))


def _text(item: Item) -> str:
    return sentence(item.text) if item.is_said else quote(item.text)
