"""A backfill of a table with hostile names, whose records have hostile ids, errors, reasons and words for everybody."""

import logging
import os
import warnings
import zlib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from backfill import ColumnBackfill, Skip
from tests.support import forgeries

SEED: Final = 20_260_102
RECORDS: Final = 60
NAME: Final = os.environ.get("TEST_NAME", "evil\x1b[2J\u202e\nFORGED [red]")  # of the table and of its column
IDS: Final = [f"{number}{text}" for number, text in enumerate(forgeries.texts(SEED, RECORDS, stored=True))]


class Forging(ColumnBackfill):
    """What becomes of a record is decided by its id; what is said of it is the id too."""

    class Parameters(BaseModel):
        note: str = ""

    name = "forging"
    table = f'"{NAME}"'
    columns = (NAME,)
    inputs = f'SELECT id FROM "{NAME}" WHERE id = ANY($1)'

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        said = record["id"]
        match zlib.crc32(said.encode()) % 4:
            case 0:
                raise type(f"Own{said}Error", (ValueError,), {})(said)
            case 1:
                return Skip(said)
            case 2:
                warnings.warn(said, stacklevel=1)
                logging.getLogger("somebody.elses").warning(said)
        return {NAME: said}

    async def finish(self, connection: Any, job: Any) -> Mapping[str, Any]:
        del connection, job
        return {IDS[1]: IDS[2], "list": IDS[:3]}
