"""`backfill settings`: every setting, its value and what it means."""

import click

from backfill import door
from backfill.console import json_option, print_json, read_settings, reporting
from backfill.settings import described, values


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """List the settings: variable, value now, default and meaning."""
    with reporting():
        now = values(read_settings())
        rows = [
            {"name": name, "value": now[name], "default": default, "meaning": meaning}
            for _, name, default, meaning in described()
        ]
        if as_json:
            print_json({"settings": rows})
            return
        for row in rows:
            door.line(f"{row['name']}={row['value']}", f"{row['meaning']} (default: {row['default'] or 'none'})")
