"""`backfill monitor`: a status report for any long-running backfill."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from backfill.commands.monitor_group import MonitorGroup, answering
from backfill.commands.monitor_init import init
from backfill.commands.monitor_options import profile_of, since_option, source_options
from backfill.commands.monitor_where import surroundings
from backfill.console import json_option, reporting
from backfill.eventloop import obeying


@click.group(
    cls=MonitorGroup,
    invoke_without_command=True,
    epilog="""\b
Exit codes: 0 it has reported, whatever that says, 1 failure, 2 wrong call or setting, 3 no such profile,
130 interrupted, 143 ended by SIGTERM.

\b
With --check: 0 OK, 1 warning, 2 critical, 3 unknown, or it could not look.

\b
Examples:
  backfill monitor                                      what is there: jobs, logs that grow
  backfill monitor --log 'logs/worker-*.log' --watch 30
  backfill monitor --command rows='wc -l out.csv' --total 1000000 --process load.js
  backfill monitor --profile erc1155 --check""",
)
@click.option("--profile", "named", metavar="PROFILE", help="A name or a file: where to look; flags add to it.")
@source_options
@since_option
@click.option("--watch", type=click.FloatRange(1, 86_400), metavar="SECONDS", help="Look again and again; Ctrl-C ends.")
@click.option(
    "--gap",
    type=click.FloatRange(0, 60),
    default=5.0,
    show_default=True,
    help="Seconds between two readings of a number, where nothing else tells a rate; 0 reads it once.",
)
@click.option("--check", is_flag=True, help="One line for Nagios, and its exit code: 0 to 3.")
@click.option("--markdown", is_flag=True, help="Print Markdown on a terminal too, as a pipe gets it.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="Write a page; - prints it."
)
@json_option
def monitor(
    named: str | None,
    since: Callable[[float], float] | None,
    watch: float | None,
    gap: float,
    check: bool,
    markdown: bool,
    html: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Report how any backfill stands: progress, the slowest worker, errors, when it will be done, and what to do.

    Without a profile or a source it looks at what is there. It only reads: a profile's commands are run as they stand.
    A lone - reads standard input.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if check + markdown + as_json + (html is not None) > 1:
        raise click.UsageError("choose one of --check, --markdown, --json and --html")
    if check and watch:
        raise click.UsageError("--check looks once; leave out --watch")
    with answering() if check else reporting():
        from backfill.monitor import extra

        extra.need()
        from backfill.commands import monitor_show as show

        shown = show.Shown(check=check, markdown=markdown, html=html, as_json=as_json)
        where = surroundings(since)
        obeying(show.looks(profile_of(named, flags), where, watch=watch, gap=gap, shown=shown))
    sys.exit(shown.exit_code)


monitor.add_command(init)
