"""`backfill settings`: every setting, its value and what it means."""

import click

from backfill.console import json_option, print_json, reporting
from backfill.settings import variables


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """List the settings: variable, value now, default and meaning."""
    with reporting():
        rows = variables()
        if as_json:
            print_json(
                {"settings": [dict(zip(("name", "value", "default", "meaning"), row, strict=True)) for row in rows]}
            )
            return
        for name, value, default, meaning in rows:
            click.echo(f"{name}={value}\t{meaning} (default: {default or 'none'})")
