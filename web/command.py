"""`backfill serve`: the HTTP API and the live page."""

import click

from backfill import __version__, log
from backfill.console import EXIT_CODES, app_option, log_format_option, read_settings, reporting, say
from backfill.errors import UsageError
from backfill.eventloop import run
from backfill.invocation import SettingsCommand

OURS = ("fastapi", "starlette", "uvicorn", "prometheus_client")
MISSING = "the server needs FastAPI and uvicorn: pip install 'backfill-toolkit[api]'"


@click.command(
    "serve",
    cls=SettingsCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES
    + """

\b
Examples:
  backfill serve --app my_backfills
  backfill serve --monitor erc1155 --monitor jobs.toml
  backfill serve --host 0.0.0.0 --allow-host backfill.example.com     (needs a token: backfill token create)""",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 takes a free port and prints it."
)
@click.option(
    "--allow-host",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="A name that browsers may know this server by, such as that of a proxy; may be repeated.",
)
@click.option(
    "--monitor",
    "profiles",
    multiple=True,
    metavar="PROFILE",
    help="Show what `backfill monitor` says of this profile, a name or a file; may be repeated.",
)
@click.option("--root-path", default="", metavar="PATH", help="Where a proxy has put it, such as /backfill.")
@log_format_option
@app_option
@click.version_option(__version__, package_name="backfill-toolkit")
def main(
    host: str,
    port: int,
    allowed: tuple[str, ...],
    profiles: tuple[str, ...],
    root_path: str,
    log_format: str | None,
    app: str | None,
) -> None:
    """Serve the HTTP API and the live page of the tenant's jobs.

    On a loopback address nobody has to sign in as long as there is no token; on any other address there has to be one.
    SIGTERM and SIGINT end it within seconds, open streams among it. Without an app it shows jobs and starts none.
    """
    with reporting():
        try:
            from backfill.web import serving
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in OURS:
                raise
            raise UsageError(MISSING) from error
        settings = read_settings(app=app, log_format=log_format)
        log.use(settings.log, settings.log_format)
        run(serving.serve(settings, serving.Options(host, port, allowed, root_path, profiles), say))
