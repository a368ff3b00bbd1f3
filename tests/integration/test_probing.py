"""A definition's queries are read by PostgreSQL before a job is opened over them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.errors import SchemaError
from backfill.modes import Mode
from backfill.probing import need_fit_queries
from backfill.producers.command import main as queue_command
from tests.support.definitions import Counter
from tests.support.operating import ask
from tests.support.world import World

WRONG = {
    "SELECT id, valu FROM things WHERE id = ANY($1)": 'inputs of Counter: column "valu" does not exist; correct the',
    "SELECT id FROM thing WHERE id = ANY($1)": 'inputs of Counter: relation "thing" does not exist',
    "SELEC id FROM things WHERE id = ANY($1)": 'inputs of Counter: syntax error at or near "SELEC"',
    "SELECT id FROM things; SELECT id FROM things WHERE id = ANY($1)": "cannot insert multiple commands",
    "SELECT id, value FROM things": "takes 0 parameters, the key id of 'things' has 1 column; write it with $1",
    "SELECT id, value FROM things WHERE id = $1": "; the parameters are arrays of keys: WHERE id = ANY($1)",
    "SELECT id, value FROM things WHERE id = ANY($1) AND value = $2": "takes 2 parameters, the key id",
    "SELECT value FROM things WHERE id = ANY($1)": "gives no column id, only value; select the key id under its name",
    "SELECT id + 'x'::int AS id FROM things WHERE id = ANY($1)": "invalid input syntax for type integer",
}
FIT = (
    Counter.inputs,
    "WITH k AS (SELECT unnest($1) AS id) SELECT k.id, '$2' AS text, value FROM k JOIN things t ON t.id = k.id;",
    "SELECT id, value FROM things, (SELECT pg_sleep(3600)) AS late WHERE id = ANY($1)",  # not run
)


async def probe(world: World, **attributes: Any) -> None:
    definition = type("Counter", (Counter,), attributes)()
    await need_fit_queries(world.connection, await resolve(world.connection, definition, Mode.ALL))


@pytest.mark.parametrize("query", WRONG)
async def test_a_query_that_no_worker_could_use_is_refused(world: World, query: str) -> None:
    with pytest.raises(SchemaError) as refused:
        await probe(world, inputs=query)
    assert WRONG[query] in str(refused.value)
    with pytest.raises(SchemaError, match="inputs_version of Counter"):
        await probe(world, inputs_version=query)


@pytest.mark.parametrize("query", FIT)
async def test_a_query_that_fits_is_not_run(world: World, query: str) -> None:
    await probe(world, inputs=query, inputs_version=query)


async def test_inputs_that_nobody_runs_are_nobodys_concern(world: World) -> None:
    async def load(_: ColumnBackfill, __: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        return [{"id": key} for key in keys]

    await probe(world, inputs="SELECT whatever", load=load)


async def test_a_right_that_only_workers_need_is_not_asked_for(world: World) -> None:
    await world.execute("CREATE SCHEMA secret; CREATE TABLE secret.prices (id bigint); CREATE ROLE nobody_of_note")
    try:
        await world.execute("GRANT SELECT ON things TO nobody_of_note; SET ROLE nobody_of_note")
        await probe(world, inputs="SELECT id FROM secret.prices WHERE id = ANY($1)")
    finally:
        await world.execute("RESET ROLE; DROP OWNED BY nobody_of_note; DROP ROLE nobody_of_note")


async def test_no_job_is_opened_over_wrong_inputs(world: World) -> None:
    await world.rows(3)
    world.definition = "tests.integration.test_probing:Wrong"
    for arguments in (["--mode=all"], ["--mode=all", "--dry-run"]):
        answer = await ask(world, *arguments, command=queue_command)
        assert (answer.code, answer.err.count("\n")) == (6, 1), answer
        assert "inputs of Wrong: column" in answer.err
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


class Wrong(Counter):
    """Asks for a column that is not there."""

    inputs = "SELECT id, valu FROM things WHERE id = ANY($1)"
