"""What the flags of `backfill monitor` add to a profile."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from backfill.texts import one_line

if TYPE_CHECKING:
    from backfill.monitor.profile import Profile

KINDS: Final = ("database", "files", "api")
MEASURED: Final = "NAME=COMMAND"

_options = (
    click.option(
        "--log", "logs", multiple=True, metavar="GLOB", help="Logs: the newest it finds; - is stdin; repeatable."
    ),
    click.option("--job", "jobs", multiple=True, metavar="ID", help="A job of ours, or latest; repeatable."),
    click.option(
        "--sql",
        "queries",
        multiple=True,
        metavar="SELECT",
        help="A query whose columns are named after measures; repeatable.",
    ),
    click.option(
        "--table", "tables", multiple=True, metavar="NAME", help="The usual questions to a table; repeatable."
    ),
    click.option(
        "--database",
        default="DATABASE_URL",
        show_default=True,
        metavar="VARIABLE",
        help="Which environment variable has the URL for --job, --sql and --table.",
    ),
    click.option(
        "--command", "commands", multiple=True, metavar=MEASURED, help="A program that prints a number; repeatable."
    ),
    click.option(
        "--process",
        "processes",
        multiple=True,
        metavar="NAME",
        help="Words of its command line, or its pid; repeatable.",
    ),
    click.option("--target", "targets", multiple=True, metavar="HOST:PORT", help="Can it be reached? Repeatable."),
    click.option("--total", type=click.IntRange(0), help="How many units there will be in the end."),
    click.option("--workers", type=click.IntRange(1), help="How many workers there should be."),
    click.option("--unit", metavar="WORD", help="What is counted.  [default: rows]"),
    click.option("--kind", type=click.Choice(KINDS), help="The shape of the report.  [default: by what is found]"),
    click.option("--title", metavar="TEXT", help="What the report is called."),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where to look, and what cannot be seen there."""
    for option in reversed(_options):
        command = option(command)
    return command


def since_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """From when on what happened counts."""
    return click.option(
        "--since",
        metavar="TIME",
        callback=lambda _, __, text: None if text is None else _since(text),
        help="Only what happened since: a duration such as 1h, or an ISO 8601 time; nothing is remembered then.",
    )(command)


def profile_of(named: str | None, flags: dict[str, Any]) -> "Profile":
    """The profile of that name with what the flags add; without a source where nobody says where to look.

    Raises UsageError for a source that cannot be one.
    """
    from backfill.monitor import profile, profiles

    found = profiles.read(named) if named else profile.Profile()
    database = flags["database"]
    sources: dict[str, list[dict[str, Any]]] = {
        "log": [{"path": one} for one in flags["logs"]],
        "job": [{"id": one, "database": database} for one in flags["jobs"]],
        "sql": [
            *({"query": one, "database": database} for one in flags["queries"]),
            *({"table": one, "database": database} for one in flags["tables"]),
        ],
        "command": [_command(one) for one in flags["commands"]],
        "process": [{"pid": int(one)} if one.isdecimal() else {"name": one} for one in flags["processes"]],
        "target": [{"address": one} for one in flags["targets"]],
    }
    values = {name: flags[name] for name in ("total", "workers", "unit", "kind", "title") if flags[name] is not None}
    added = profile.made({**values, **sources}, "the flags")
    more = {name: [*getattr(found, name), *getattr(added, name)] for name in sources}
    return found.model_copy(update={**more, **{name: getattr(added, name) for name in values}})


def _command(text: str) -> dict[str, Any]:
    """`rows=wc -l out.csv`; without a measure's name before it, a program that prints JSON."""
    from backfill.monitor.readings import Measure

    name, sign, run = text.partition("=")
    is_named = sign and name in {one.value for one in Measure}
    return {"run": run, "measures": name} if is_named else {"run": text}


def _since(text: str) -> Callable[[float], float]:
    from backfill.monitor.profile import seconds

    try:
        ago = seconds(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            shown = one_line(text, 100)
            raise click.BadParameter(
                f"{shown!r} is neither a duration, such as 90m or 2d, nor an ISO 8601 time"
            ) from None
        return lambda _: at
    return lambda now: now - ago
