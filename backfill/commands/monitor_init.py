"""`backfill monitor init`: a profile of what is there."""

import click

from backfill import door
from backfill.commands.monitor_where import surroundings
from backfill.console import note, reporting
from backfill.errors import BackfillError, UsageError
from backfill.eventloop import run


@click.command(
    epilog="""\b
Examples:
  backfill monitor init nightly
  backfill monitor --profile nightly --watch 30"""
)
@click.argument("name", default="backfill")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def init(name: str, force: bool) -> None:
    """Write monitor/NAME.toml, a profile of what is there.

    That is our own jobs, logs that grow, and the processes that write them.
    """
    with reporting():
        from backfill.monitor import extra

        extra.need()
        from backfill.monitor import written
        from backfill.monitor.around import around
        from backfill.monitor.profiles import file_of

        file = file_of(name)
        if file.exists() and not force:
            raise UsageError(f"{file} is there already; choose another NAME, or overwrite it with --force")
        found = run(around(surroundings(), lasting=True)).model_copy(update={"name": file.stem})
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("w" if force else "x", encoding="utf-8") as stream:
                stream.write(written.text(found))
        except OSError as error:
            raise BackfillError(f"cannot write {file}: {error.strerror}; choose another folder") from error
        note(f"wrote {file}")
        if found.sources:
            door.line("Next, read it and add what it cannot know: the total, limits, a query; then:")
        else:
            door.line("Nothing was found to look at: name the logs, queries, programs or processes in it; then:")
        door.line(f"  backfill monitor --profile {file.stem}")
