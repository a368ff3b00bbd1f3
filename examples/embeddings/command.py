"""`python -m backfill.examples.embeddings`: the example's table, searching in it, and all of it on private services."""

from typing import Final

import click

from backfill import door
from backfill.console import note, reporting
from backfill.examples import extras
from backfill.examples.database import database_option, execute, fetch
from backfill.examples.embeddings.definition import model
from backfill.examples.statements import read
from backfill.invocation import CallGroup

EMBEDDINGS: Final = "backfill.examples.embeddings"
SCHEMA: Final = f"python -m {EMBEDDINGS} schema"


@click.group(cls=CallGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Embeddings of job advertisements."""


@main.command()
@database_option
def schema(database_url: str | None) -> None:
    """Create the table; safe to repeat. Where the server has no pgvector, the column is a real[]."""
    with reporting():
        has_vectors = bool(fetch(database_url, read("embeddings/extension")))
        if has_vectors:
            execute(database_url, read("embeddings/extend"))
        else:
            note("warning: this server has no pgvector: the column embedding is a real[], which no index searches")
        table = read("embeddings/schema")
        execute(database_url, table if has_vectors else table.replace("vector(384)", "real[]"))
        door.line(f"The table jobs is there, its embedding a {'vector(384)' if has_vectors else 'real[]'}.")


@main.command()
@click.option("--advertisements", type=click.IntRange(min=1), default=1_000, show_default=True, help="How many.")
@database_option
def generate(advertisements: int, database_url: str | None) -> None:
    """Make advertisements up, one in eight of them not active any more."""
    with reporting():
        fetch(database_url, read("embeddings/made_up"), advertisements, schema=SCHEMA)
        door.line(f"{advertisements:,} more advertisements")


@main.command()
@click.argument("question")
@click.option("--limit", type=click.IntRange(1, 100), default=3, show_default=True, help="How many.")
@database_option
def nearest(question: str, limit: int, database_url: str | None) -> None:
    """Show the active advertisements that are nearest to QUESTION, in any language."""
    with reporting():
        extras.need("embeddings")
        asked = str(model().query(question).tolist())
        for row in fetch(database_url, read("embeddings/nearest"), asked, limit, schema=SCHEMA):
            door.line(f"{row['similarity']:.3f}  {row['title']}: {row['description'] or '-'}")


@main.command()
@click.option("--advertisements", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many.")
def demo(advertisements: int) -> None:
    """Embed made-up advertisements, search in them, and leave nothing behind."""
    from backfill.examples.demo import demo as demonstrated

    with reporting(), demonstrated(EMBEDDINGS, "job_embeddings", extra="embeddings") as show:
        show.own("Table and advertisements", "schema")
        show.own("", "generate", "--advertisements", str(advertisements))
        show.backfill("", "init")
        show.queue("Embeddings of the active ones", "--batch-size=32")
        show.work("The first 40 of them, as a worker does that has little time", "--max-records=40")
        show.work("The others")
        show.queue("The same again: nothing is left to do", "--batch-size=32")
        show.own("What is near to a question", "nearest", "caring for patients in a hospital")
        show.own("", "nearest", "wer pflanzt Blumen und Bäume?")
