"""`python -m benchmarks.data KIND RECORDS`: fill the empty database of DATABASE_URL with data and a ledger."""

import asyncio
import os
import sys

import asyncpg

from backfill import schema
from backfill.examples.killmails import generate, statements
from backfill.examples.statements import read
from benchmarks import names, sql


async def fill(url: str, kind: str, records: int) -> None:
    """Leave the tables as a database in use has them: vacuumed and analysed."""
    connection = await asyncpg.connect(url)
    try:
        await schema.apply(connection)
        if kind == "killmails":
            await connection.execute(statements.read("schema"))
            await generate.generate(connection, records)
        elif kind == "people":
            await connection.execute(sql.read("people"))
            await connection.copy_records_to_table("people", columns=["id", "name"], records=names.people(records))
        elif kind == "order_lines":
            await connection.execute(sql.read("order_lines"))
            await connection.copy_records_to_table(
                "order_lines", columns=["order_id", "line_no", "name"], records=names.order_lines(records)
            )
        elif kind == "types":
            await connection.execute(statements.read("schema"))
            await connection.execute(read("prices/schema"))
            await connection.execute(sql.read("types"), records)
        elif kind == "jobs":
            await connection.execute(read("embeddings/extend"))
            await connection.execute(read("embeddings/schema"))
            await connection.execute(read("embeddings/made_up"), records)
            await connection.execute("UPDATE jobs SET is_active = true")
        else:
            await connection.execute("CREATE TABLE plain_ids (id bigint PRIMARY KEY, value integer)")
            await connection.execute(
                "INSERT INTO plain_ids (id) SELECT n FROM generate_series(1, $1::bigint) n", records
            )
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(fill(os.environ["DATABASE_URL"], sys.argv[1], int(sys.argv[2])))
