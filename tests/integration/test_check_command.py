"""`backfill check`: what it finds right and wrong, what its sample shows, and that nothing of it is kept."""

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from backfill import ColumnBackfill, Limit, TransientError
from tests.support.logins import as_role
from tests.support.operating import Answer, ask, done
from tests.support.world import World

APP = "tests.support.definitions"
HERE = "tests.integration.test_check_command"
MONTHS = "tests.support.pieces:Months"


class Mixed(ColumnBackfill):
    """One record of each fate, by its base."""

    name = "mixed"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1) AND base <> 4"

    def compute(self, record: Mapping[str, Any]) -> Any:
        from backfill import Skip

        match record["base"]:
            case 1:
                return Skip("not wanted")
            case 2:
                return {"value": 13}  # which a constraint refuses
            case 3:
                raise ValueError("no number")
            case 5:
                raise TransientError("not now")
        return {"value": record["base"]}


class Asking(ColumnBackfill):
    """Its function calls the outside."""

    name = "asking"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id FROM things WHERE id = ANY($1)"

    @property
    def limit(self) -> Limit:
        return Limit(rate=100, concurrency=2)

    async def compute(self, record: Mapping[str, Any]) -> Any:
        return {"value": 5}


class Wanted(Mixed):
    name = "wanted"
    where = "t.extra IS NOT NULL"


class Missing(Mixed):
    name = "missing"
    columns = ("no_such",)


class Unread(Mixed):
    name = "unread"
    inputs = "SELECT id, base FROM nowhere WHERE id = ANY($1)"


class Needing(Mixed):
    name = "needing"

    class Parameters(BaseModel):
        factor: int


class Broken(Mixed):
    name = "broken"
    where = "t.extra IS NOT"


async def lines(world: World, *words: str, code: int = 0, **env: str) -> Answer:
    answer = await ask(world, "check", *words, **env)
    assert answer.code == code, answer
    return answer


async def of_json(world: World, *words: str, code: int = 0, **env: str) -> dict[str, Any]:
    (found,) = (await lines(world, *words, "--json", code=code, **env)).json["checks"]
    return dict(found)


def states(found: dict[str, Any]) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for one in found["findings"]:
        told.setdefault(one["what"], set()).add(one["state"])
    return told


@pytest.fixture
async def untouched(world: World) -> AsyncIterator[World]:
    """Neither a row nor an audit line is another one afterwards."""
    await world.rows(30, base="id % 7")

    async def all_of_it() -> list[Any]:
        rows = "SELECT t.*, t.xmin::text FROM things t ORDER BY id"
        return [*map(tuple, await world.fetch(rows)), await world.value("SELECT count(*) FROM audit")]

    before = await all_of_it()
    yield world
    assert await all_of_it() == before
    world.checked = True


async def test_each_record_of_the_sample_is_shown_as_a_worker_would_leave_it(untouched: World) -> None:
    world = untouched
    found = await of_json(world, "mixed", "--app", HERE)
    assert len(found["sample"]) == 20
    assert [one["record_id"] for one in found["sample"]] == [str(n) for n in (*range(1, 11), *range(21, 31))]
    by_id = {one["record_id"]: one for one in found["sample"]}
    assert by_id["6"] == {
        "record_id": "6",
        "outcome": "updated",
        "reason": "",
        "before": {"value": None},
        "after": {"value": "6.00"},
    }
    assert (by_id["1"]["outcome"], by_id["1"]["reason"]) == ("skipped", "not wanted")
    assert by_id["2"]["outcome"] == "failed"
    assert "things_value_is_not_unlucky" in by_id["2"]["reason"]
    assert (by_id["3"]["outcome"], by_id["3"]["reason"]) == ("failed", "ValueError: no number")
    assert (by_id["4"]["outcome"], by_id["4"]["reason"]) == ("skipped", "no inputs")
    assert (by_id["5"]["outcome"], by_id["5"]["reason"]) == ("later", "TransientError: not now")
    assert found["is_right"]
    assert states(found)["sample"] == {"warning"}


async def test_people_see_lines_and_a_table(untouched: World) -> None:
    printed = (await lines(untouched, "mixed", "--app", HERE, "--sample=7")).out
    assert "mixed: things (id) -> value\n" in printed
    assert 'ok       table       "public"."things", about ' in printed
    assert "ok       key         id bigint, with a unique index\n" in printed
    assert "ok       records     30 records of things whose value is NULL\n" in printed
    assert "record\toutcome\tvalue\treason\n" in printed
    assert "30\tfailed\tNULL\tCheckViolationError" in printed
    assert "6\tupdated\tNULL → 6.00\t\n" not in printed  # of seven, four are the lowest
    # Roles belong to the whole server: where other tests have made them, they have no rights here, which is said.
    assert "mixed: nothing would stop a job; " in printed
    warnings = [line for line in printed.splitlines() if line.startswith("  warning")]
    assert len([line for line in warnings if "backfill_" not in line]) == 1, warnings


async def test_all_of_the_app_are_looked_at_and_what_would_stop_a_job_is_6(untouched: World) -> None:
    answer = await lines(untouched, "--app", HERE, code=6)
    for name in ("mixed", "asking", "missing", "unread", "broken"):
        assert f"{name}: " in answer.out
    assert "wrong    table       table 'things' has no column 'no_such' (Missing)" in answer.out
    assert 'wrong    queries     inputs of Unread: relation "nowhere" does not exist' in answer.out
    assert "wrong    queries     where of Broken:" in answer.out
    assert "missing: 1 would stop a job; 0 warnings\n" in answer.out


async def test_an_async_function_is_called_only_when_asked_for(untouched: World) -> None:
    found = await of_json(untouched, "asking", "--app", HERE)
    assert found["sample"] == []
    found = await of_json(untouched, "asking", "--app", HERE, "--sample=5")
    assert [one["outcome"] for one in found["sample"]] == ["updated"] * 5
    assert states(found)["limit"] == {"ok"}


async def test_none_are_tried_with_a_sample_of_0_nor_in_an_empty_table(world: World) -> None:
    world.checked = True
    found = await of_json(world, "mixed", "--app", HERE)
    assert found["sample"] == []
    assert found["is_right"]
    await world.rows(1)
    assert (await of_json(world, "mixed", "--app", HERE, "--sample=0"))["sample"] == []


async def test_where_a_mode_selects_nothing_all_are_tried(world: World) -> None:
    world.checked = True
    await world.rows(2, value=1, base=6)
    found = await of_json(world, "mixed", "--app", HERE)
    assert [one["after"] for one in found["sample"]] == [{"value": "6.00"}] * 2


async def test_a_ledger_that_is_missing_is_said_and_the_rest_is_looked_at(untouched: World) -> None:
    await untouched.execute("ALTER TABLE backfill_schema RENAME TO hidden_schema")
    found = await of_json(untouched, "mixed", "--app", HERE, code=6)
    assert states(found)["ledger"] == {"wrong"}
    assert len(found["sample"]) == 20


async def test_it_needs_no_broker(untouched: World) -> None:
    await lines(untouched, "mixed", "--app", HERE, RABBITMQ_URL="amqp://nobody@127.0.0.1:1/")


async def test_a_scan_for_a_few_records_is_warned_of_until_the_index_is_there(world: World) -> None:
    world.checked = True
    await world.execute(
        "INSERT INTO things SELECT n, 0, CASE WHEN n % 1000 > 0 THEN 1 END, CASE WHEN n % 5000 = 0 THEN 'x' END "
        "FROM generate_series(1, 200000) n"
    )
    await world.execute("ANALYZE things")
    found = await of_json(world, "wanted", "--app", HERE, "--sample=0")
    (index,) = [one for one in found["findings"] if one["what"] == "index"]
    assert index["state"] == "warning"
    statement = index["text"].partition("run: ")[2]
    assert statement == (
        'CREATE INDEX CONCURRENTLY ON "public"."things" ("id") WHERE "value" IS NULL AND (extra IS NOT NULL)'
    )
    await world.execute(statement)
    found = await of_json(world, "wanted", "--app", HERE, "--sample=0")
    assert states(found)["index"] == {"ok"}


async def test_rights_of_this_role_and_of_workers(world: World) -> None:
    world.checked = True
    await done(world, "init", "--roles", BACKFILL_APP="tests.support.definitions:Counter")
    password, role = secrets.token_hex(12), f"test_looks_{secrets.token_hex(4)}"
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_reader; "
        f"GRANT SELECT ON things TO {role}"
    )
    url = as_role(world.database, role, password)
    try:
        found = await of_json(world, "counter", "--app", f"{APP}:Counter", DATABASE_URL=url)
        assert states(found)["rights"] == {"ok", "warning"}  # it plans, workers write
        await world.execute("REVOKE UPDATE (value) ON things FROM backfill_worker")
        found = await of_json(world, "counter", "--app", f"{APP}:Counter", "--sample=0", code=6, DATABASE_URL=url)
        wrong = [one["text"] for one in found["findings"] if one["state"] == "wrong"]
        assert wrong[0].startswith(f"the role {role} may not update value of things; run: backfill init --roles")
        assert any("backfill_worker may not update value" in one["text"] for one in found["findings"])
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_keys_are_counted_and_tried_only_when_asked_for(world: World) -> None:
    world.checked = True
    found = await of_json(world, "months", "--app", MONTHS, "-P", "unit=2")
    texts = {one["what"]: one["text"] for one in found["findings"]}
    assert texts["keys"] == "4, from unit-002/2024-01 to unit-002/2024-04"
    assert texts["scope"] == "unit: 2, month: 2024-01 to 2024-04"
    assert texts["sample"].startswith("none: fetch calls the outside")
    odd = '{"unit-001/2024-02": "fetch", "unit-001/2024-03": "skip", "unit-001/2024-04": "same"}'
    found = await of_json(world, "months", "--app", MONTHS, "--sample=4", "-P", f"odd={odd}")
    assert [(one["outcome"], one["reason"]) for one in found["sample"]] == [
        ("updated", ""),
        ("failed", "ValueError: no such unit"),
        ("skipped", "nothing was generated"),
        ("unchanged", ""),
    ]
    assert await world.value("SELECT count(*) FROM months") == 0


async def test_a_write_that_breaks_its_contract_would_stop_a_job(world: World) -> None:
    world.checked = True
    odd = '{"unit-001/2024-01": "nothing"}'
    answer = await lines(world, "months", "--app", MONTHS, "--sample=1", "-P", f"odd={odd}", code=6)
    assert "wrong    sample      write of months returned None" in answer.out
    assert await world.value("SELECT count(*) FROM months") == 0


async def test_parameters_that_are_not_given_are_said(world: World) -> None:
    world.checked = True
    answer = await lines(world, "needing", "--app", HERE, code=6)
    told = "wrong    parameters  parameters of needing: factor: Field required; give each with -P NAME=VALUE"
    assert told in answer.out
    await lines(world, "needing", "--app", HERE, "-P", "factor=2")
    assert (await lines(world, "--app", HERE, "-P", "factor=2", code=2)).err.startswith("error: -P is for one backfill")
