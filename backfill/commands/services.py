"""``backfill services``: a private PostgreSQL and RabbitMQ for trying things out."""

import shlex
from pathlib import Path

import click

from backfill import door, masking, settings
from backfill.console import json_option, note, print_json, reporting
from backfill.errors import UnreachableError

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where they keep their data; default: services/ in BACKFILL_HOME, or in .backfill here.",
)
secrets_option = click.option("--show-secrets", is_flag=True, help="Print passwords too.")


@click.group()
def services() -> None:
    """Start, stop and show a private PostgreSQL and RabbitMQ.

    DATABASE_URL and RABBITMQ_URL win when set; what they do not give is started on free loopback ports.
    """


@services.command(
    epilog="""\b
Examples:
  backfill services up
  eval "$(backfill services status --export)"
"""
)
@folder_option
@json_option
@secrets_option
def up(folder: Path | None, as_json: bool, show_secrets: bool) -> None:
    """Start what is not running; install what is missing.

    Installing needs root and apt-get; elsewhere it says what to install.
    """
    with reporting():
        from backfill import services as own

        place = folder or _default_folder()
        try:
            own.up(place, say=note)
        except KeyboardInterrupt:
            note("what was started runs on; stop it with: backfill services down")
            raise
        _show(own.status(place), as_json=as_json, show_secrets=show_secrets)
    if not as_json:
        option = f" --folder {shlex.quote(str(folder))}" if folder else ""
        door.line()
        door.line(f'To use them in this shell:  eval "$(backfill services status{option} --export)"')
        door.line(f"To see the passwords:      backfill services status{option} --show-secrets")
        door.line(f"To stop them:              backfill services down{option}")


@services.command()
@folder_option
@click.option("--delete", is_flag=True, help="Remove their data as well.")
def down(folder: Path | None, delete: bool) -> None:
    """Stop what `up` started; their data stays for the next time."""
    with reporting():
        from backfill import services as own

        stopped = own.down(folder or _default_folder(), delete=delete)
    ended = f"stopped {' and '.join(stopped)}" if stopped else "nothing was running"
    door.line(ended + (", data removed" if delete else ""))


@services.command()
@folder_option
@json_option
@secrets_option
@click.option("--export", is_flag=True, help="Print shell lines that set the URLs, passwords included.")
def status(folder: Path | None, as_json: bool, show_secrets: bool, export: bool) -> None:
    """Show each service: given, running, stopped or absent."""
    with reporting():
        from backfill import services as own

        lines = own.status(folder or _default_folder())
        if not export:
            _show(lines, as_json=as_json, show_secrets=show_secrets)
            return
        if down := [name for name, state, _, _ in lines if name in own.STARTED and state in ("stopped", "absent")]:
            raise UnreachableError(f"{' and '.join(down)} not running; start with: backfill services up")
        for name, _, url, _ in lines:
            door.line(f"export {own.VARIABLES[name]}={shlex.quote(url)}")


def _default_folder() -> Path:
    return settings.read().home / "services"


def _show(lines: list[tuple[str, str, str, str]], *, as_json: bool, show_secrets: bool) -> None:
    shown = [(name, state, url if show_secrets else masking.mask(url), detail) for name, state, url, detail in lines]
    if as_json:
        fields = ("name", "state", "url", "detail")
        print_json({"services": [dict(zip(fields, line, strict=True)) for line in shown]})
        return
    for name, state, url, detail in shown:
        door.line(f"{name:<11} {state:<8} {url or '-'}")
        door.line(f"{'':<20} {detail}")
