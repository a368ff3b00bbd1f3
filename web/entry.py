"""Where `backfill-serve` begins."""

from backfill.entry import run


def main() -> None:
    """Import the command only when Ctrl-C is answered."""
    run("backfill.web.command")
