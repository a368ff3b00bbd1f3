"""Loads market prices from CSV; a price that is there is brought up to date."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import asyncpg
from pydantic import BaseModel, Field, ValidationError

from backfill.examples.killmails import statements
from backfill.examples.killmails.esi import BadLineError, reason
from backfill.examples.killmails.reading import FileError, Report, lines

BATCH = 5_000


class Price(BaseModel):
    """A type and its lowest ask; the table keeps two decimals."""

    type_id: Annotated[int, Field(ge=1, lt=2**31)]
    sell: Annotated[Decimal, Field(ge=0, lt=10**18, allow_inf_nan=False)]


@dataclass
class Loaded:
    """What became of the lines of a file."""

    prices: int = 0
    changed: int = 0
    bad: int = 0


async def load(connection: "asyncpg.Connection[Any]", path: Path, report: Report) -> Loaded:
    """Load a file with the columns type_id and sell; bad lines are reported and the rest loaded.

    Raises UsageError when it cannot be read, FileError when it lacks a column or nothing in it can be loaded.
    """
    loaded = Loaded()

    def bad(number: int, why: str) -> None:
        loaded.bad += 1
        report(number, why)

    prices = _prices(path, bad)
    while batch := list(islice(prices, BATCH)):
        # A type that comes twice must not meet itself within one statement; its last price holds.
        last = {price.type_id: price.sell for price in batch}
        types = sorted(last)
        changed = await connection.fetch(statements.read("upsert_prices"), types, [last[type_id] for type_id in types])
        loaded.prices += len(batch)
        loaded.changed += len(changed)
    if not loaded.prices:
        raise FileError(f"{path}: no price could be loaded; bad lines: {loaded.bad}")
    await connection.execute("ANALYZE market_prices")
    return loaded


def _prices(path: Path, report: Report) -> Iterator[Price]:
    names: list[str] = []
    for number, line in lines(path, report):
        try:
            cells = _cells(line)
            if not names:
                names = [cell.strip() for cell in cells]
                if not {"type_id", "sell"} <= set(names):
                    raise FileError(f"{path}: the first line must name the columns type_id and sell")
            else:
                yield Price.model_validate(dict(zip(names, cells, strict=False)))
        except BadLineError as error:
            report(number, str(error))
        except ValidationError as error:
            report(number, reason(error))


def _cells(line: bytes) -> list[str]:
    # Each line by itself: a quote that is never closed must not swallow the lines after it.
    try:
        return next(csv.reader([line.decode("utf-8-sig").strip("\r\n")]))
    except UnicodeDecodeError as error:
        raise BadLineError(f"not UTF-8 at byte {error.start + 1}") from error
    except csv.Error as error:
        raise BadLineError(f"not CSV: {error}") from error
