"""Keys of several columns, everywhere a key goes, and indexes that cannot be paged."""

import json
import re

import pytest

from tests.support.keyed import Table, login
from tests.support.operating import done
from tests.support.world import World

pytestmark = pytest.mark.long

LINES = "order_id integer, line_no text"
# In the order of keys; the canonical text of each is PostgreSQL's.
TEXTS = ["", '"', "(b)", "a,b", "NULL", "it's", "x\\y", "{z}"]


async def lines(world: World) -> Table:
    """A table of 3 orders with 8 lines each, whose numbers are strange."""
    table = Table(world, key="order_id,line_no")
    await table.create(LINES)
    await world.execute(
        "INSERT INTO keyed (order_id, line_no) SELECT o, l FROM generate_series(1001, 1003) o, unnest($1::text[]) l",
        TEXTS,
    )
    return table


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_key_of_two_columns_goes_all_the_way(world: World, order: str) -> None:
    table = await lines(world)
    await table.queue("--mode=all", "--batch-size=5", f"--order={order}")
    rows = await world.fetch(
        f"SELECT ARRAY[order_id::text, line_no]::text FROM keyed ORDER BY order_id {order}, line_no {order}"
    )
    assert await table.planned() == [row[0] for row in rows]
    await table.work()
    assert await table.values() == {1: 24}


async def test_one_record_is_named_in_any_of_the_ways_that_people_write(world: World) -> None:
    table = await lines(world)
    given = ["1001,NULL", "(1001, NULL)", '{1001,"NULL"}', '1002,"a,b"', '(1002,"a,b")', '{1003,"\\""}', "1003,"]
    await table.queue(*[f"--id={one}" for one in given])
    found = await world.fetch("SELECT * FROM unnest($1::text[]) AS i (id), LATERAL (SELECT id::text[] AS parts) p",
                              await table.planned())  # fmt: skip
    assert [row["parts"] for row in found] == [["1001", "NULL"], ["1002", "a,b"], ["1003", ""], ["1003", '"']]
    await table.work()
    assert await table.values() == {1: 4, None: 20}


async def test_blanks_in_quotes_belong_to_a_key_and_name_no_other_record(world: World) -> None:
    table = await lines(world)
    await world.execute("INSERT INTO keyed (order_id, line_no) VALUES (1001, ' x '), (1001, 'x'), (1002, E'a\nb')")
    await table.queue('--id=1001, " x "', '--id="1003" , "a,b"', "--id=1002,a\nb")
    assert await table.planned() == ['{1001," x "}', '{1002,"a\nb"}', '{1003,"a,b"}']


@pytest.mark.parametrize(
    "key", ["1001", "1001,a,b", "{1001}", "{1001,NULL}", "{1001,a,b}", "{{1001,a}}", "{1001,a", "x,a"]
)
async def test_what_is_no_key_of_two_columns_is_a_wrong_call(world: World, key: str) -> None:
    table = await lines(world)
    for option in ("--after", "--id"):
        printed = await table.queue(f"{option}={key}", code=2)
        assert re.fullmatch(r"error: .*\(order_id, line_no\).*\n", printed), printed


async def test_failed_records_of_two_columns_are_listed_and_retried(world: World) -> None:
    table = await lines(world)
    await world.execute("UPDATE keyed SET stays = 'fails' WHERE line_no IN ('a,b', '\"')")
    await table.queue("--batch-size=4")
    await table.work()
    listed = json.loads((await done(world, "failures", "--json")).out)["failures"]
    expected = [f"{{{order},{line}}}" for order in (1001, 1002, 1003) for line in ('"\\""', '"a,b"')]
    assert sorted(failure["record_id"] for failure in listed) == expected
    await world.execute("UPDATE keyed SET stays = NULL")
    await done(world, "retry", "latest")
    await table.work()
    assert await table.values() == {1: 24}


async def test_the_roles_of_the_toolkit_may_use_all_columns_of_a_key_and_see_what_a_policy_shows(world: World) -> None:
    table = await lines(world)
    settings = table.settings({"TEST_SETTINGS": "app.order=1002"})
    init = world.run("backfill", "init", "--roles", **settings)
    assert await init.wait() == 0, init.output
    await world.execute(
        "GRANT SELECT (stays) ON keyed TO backfill_worker; ALTER TABLE keyed ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY mine ON keyed USING (order_id = current_setting('app.order')::integer)"
    )
    async with (
        login(world, "NOSUPERUSER IN ROLE backfill_operator") as operator,
        login(world, "NOSUPERUSER IN ROLE backfill_worker") as worker,
    ):
        assert "Records: 8\n" in await table.queue("--batch-size=3", **settings, DATABASE_URL=operator)
        await table.work(**settings, DATABASE_URL=worker)
    assert await table.values() == {1: 8, None: 16}
    assert (await table.job())["state"] == "completed"


async def test_a_partitioned_table_is_paged_by_its_key_of_two_columns(world: World) -> None:
    table = Table(world, key="id,created_at", definition="Partitioned")
    await world.execute(
        "CREATE TABLE keyed (id integer, created_at timestamptz, value integer, stays text,"
        " PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);"
        "CREATE TABLE old PARTITION OF keyed FOR VALUES FROM (MINVALUE) TO ('2025-02-01Z');"
        "CREATE TABLE new PARTITION OF keyed FOR VALUES FROM ('2025-02-01Z') TO (MAXVALUE);"
        "INSERT INTO keyed SELECT n / 2, '2025-01-01Z'::timestamptz + n * '1 day 1 us'::interval"
        " FROM generate_series(1, 60) n"
    )
    await table.queue("--batch-size=7", "--limit=40", TZ="Asia/Tokyo")
    printed = await table.queue("--batch-size=7", "--limit=40", code=4)
    assert "overlaps this one" in printed
    await table.work(TZ="America/Lima")
    await table.queue("--batch-size=7", f"--after={(await table.planned())[-1]}")
    assert len(await table.planned()) == 20
    await table.work()
    assert await table.values() == {1: 60}


@pytest.mark.parametrize(
    ("index", "complaint"),
    [
        ("(line_no, order_id)", "is on (line_no, order_id): name the key's columns in this order"),
        ("(order_id, line_no DESC)", "mixes directions"),
        ('(order_id, line_no COLLATE "POSIX")', "a collation of its own"),
        ("(order_id, line_no text_pattern_ops)", "has operators"),
    ],
)
async def test_an_index_in_another_order_is_refused_with_it(world: World, index: str, complaint: str) -> None:
    table = Table(world, key="order_id,line_no")
    await world.execute(
        f"CREATE TABLE keyed ({LINES}, value integer, stays text); CREATE UNIQUE INDEX lines ON keyed {index}"
    )
    printed = await table.queue(code=6)
    assert "the unique index lines of 'keyed' does not read in the order of the key (order_id, line_no)" in printed
    assert complaint in printed


async def test_an_index_that_descends_in_all_columns_is_as_good(world: World) -> None:
    table = Table(world, key="order_id,line_no")
    await world.execute(
        f"CREATE TABLE keyed ({LINES}, value integer, stays text);"
        "CREATE UNIQUE INDEX ON keyed (order_id DESC, line_no DESC);"
        "INSERT INTO keyed SELECT n, 'l' FROM generate_series(1, 9) n"
    )
    await table.queue("--batch-size=2")
    assert await table.planned() == [f"{{{n},l}}" for n in range(1, 10)]
