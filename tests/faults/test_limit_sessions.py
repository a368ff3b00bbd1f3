"""A limit is asked in a session beside the claim's: what becomes of that one is no doing of the claim."""

from types import SimpleNamespace
from typing import Any

import pytest

from backfill.database import is_away
from backfill.database_errors import LedgerSilentError
from backfill.workers.interruptions import may_be_own
from backfill.workers.limits.asking import question
from tests.support.operating import queued, working
from tests.support.world import World

# The first session that asks is ended by it, as those to a server are that has fallen silent.
ENDING = """
    ALTER FUNCTION backfill_take_calls RENAME TO take_calls_itself;
    CREATE SEQUENCE questions;
    CREATE FUNCTION backfill_take_calls(
        text, boolean, double precision, integer, integer, boolean, uuid, double precision, integer, bigint, integer,
        integer
    ) RETURNS TABLE (
        first_seconds double precision, step_seconds double precision, granted integer, permits integer,
        held_seconds double precision, held_until timestamptz, held_reason text, waited_seconds double precision
    ) LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('questions') = 1 THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
        END IF;
        RETURN QUERY SELECT * FROM take_calls_itself($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);
    END $$
"""


async def test_a_question_whose_session_ends_costs_neither_an_attempt_nor_a_rest(world: World) -> None:
    await world.rows(10)
    await world.execute(ENDING)
    await queued(world)
    async with working(world):
        await world.until_ended()
    assert await world.value("SELECT last_value > 1 FROM questions")
    blamed = "SELECT count(*) FROM backfill_partitions WHERE attempt_count <> 1 OR interruptions > 0"
    assert await world.value(blamed) == 0
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.ends_well()


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError("reset")])
async def test_a_question_without_an_answer_is_an_outage_and_not_the_claims(error: Exception) -> None:
    class Acquiring:
        async def __aenter__(self) -> None:
            return None

        async def __aexit__(self, *_: object) -> None:
            return None

    pool: Any = SimpleNamespace(acquire=lambda timeout: Acquiring())
    with pytest.raises(LedgerSilentError) as silent:
        async with question(pool, 1):
            raise error
    assert is_away(silent.value)
    assert not may_be_own(silent.value)
