"""Where a job begins and ends: --after, keys of several columns, estimates, and indexes that cannot be paged."""

import json
import re
import signal

import pytest

from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.settings import Settings
from producers import preparation, queueing
from producers.screen import Screen
from tests.support.keyed import Keyed, Table, login
from tests.support.operating import done
from tests.support.world import World

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


async def numbers(world: World, rows: int = 100, stays: int = 0) -> Table:
    table = Table(world)
    await table.create("id integer")
    await world.execute(
        "INSERT INTO keyed (id, stays)"
        f" SELECT n, CASE WHEN n <= {stays} THEN 'yes' END FROM generate_series(1, {rows}) n"
    )
    return table


# --- after


async def test_a_limited_run_names_the_key_to_go_on_behind_and_the_next_run_does_others(world: World) -> None:
    table = await numbers(world, stays=40)
    for run in range(3):
        after = [f"--after={40 * run}"] if run else []
        printed = await table.queue("--limit=40", "--batch-size=15", *after)
        (key,) = re.findall(r"to go on behind it: --after=(\S+)$", printed, re.MULTILINE) or ["none"]
        assert key == ("none" if run == 2 else str(40 * (run + 1)))
        await table.work()
    assert await table.values() == {None: 40, 1: 60}
    assert [job["records_matched"] for job in await world.fetch("SELECT * FROM backfill_jobs ORDER BY created_at")] == [
        40, 40, 20,
    ]  # fmt: skip


async def test_a_limited_run_downwards_names_the_order_that_going_on_needs(world: World) -> None:
    table = await numbers(world, stays=100)
    printed = await table.queue("--limit=40", "--order=desc")
    (options,) = re.findall(r"to go on behind it: (.+)$", printed, re.MULTILINE)
    await table.work()
    assert "Records: 40 " in await table.queue("--limit=40", "--dry-run", *options.split())
    assert options == "--after=61 --order=desc"


@pytest.mark.parametrize(
    ("after", "order", "first", "count"),
    [("50", "asc", "51", 50), ("50", "desc", "49", 49), ("0", "asc", "1", 100), ("-7", "desc", None, 0),
     ("100", "asc", None, 0), ("2147483647", "desc", "100", 100)],
)  # fmt: skip
async def test_only_what_is_behind_a_key_is_planned(
    world: World, after: str, order: str, first: str | None, count: int
) -> None:
    table = await numbers(world)
    await world.execute("DELETE FROM keyed WHERE id = 50; INSERT INTO keyed VALUES (50)")
    dry = json.loads(await table.queue(f"--after={after}", f"--order={order}", "--dry-run", "--json"))
    assert dry["matched"] == count
    printed = await table.queue(f"--after={after}", f"--order={order}", "--batch-size=9")
    assert f"Records: {count}\n" in printed
    if first is None:
        assert "Nothing to do." in printed
        return
    ids = await table.planned()
    assert (ids[0], len(ids)) == (first, count)


async def test_a_text_and_a_key_that_is_not_there_are_behind_and_before(world: World) -> None:
    table = Table(world)
    await table.create('id text COLLATE "C"')
    await world.execute("INSERT INTO keyed (id) SELECT unnest($1::text[])", ["", "a", "b b", "c", "e"])
    for after, expected in (("", ["a", "b b", "c", "e"]), ("b b", ["c", "e"]), ("d", ["e"])):
        await table.queue(f"--after={after}")
        assert await table.planned() == expected
        await world.execute("DELETE FROM backfill_jobs")
    printed = await table.queue("--limit=3")
    assert "--after='b b'\n" in printed


@pytest.mark.parametrize("key", ["x", "", "1.5", "99999999999", "1,2", "{1}"])
async def test_what_is_no_key_is_a_wrong_call(world: World, key: str) -> None:
    table = await numbers(world, 3)
    for option in ("--after", "--id"):
        printed = await table.queue(f"{option}={key}", code=2)
        assert re.fullmatch(rf"error: {option}: .*; the key id of 'keyed' is integer\n", printed), printed


async def test_after_and_ids_together_are_the_ids_behind_it(world: World) -> None:
    table = await numbers(world)
    await table.queue("--after=50", "--id=7", "--id=51", "--id=99", "--id=099")
    assert await table.planned() == ["51", "99"]


async def test_a_killed_producer_goes_on_behind_its_own_cursor(world: World) -> None:
    table = await numbers(world)
    for at, planned in (("producer.after_open", 0), ("producer.after_plan", 20)):
        killed = table.producer("--after=20", "--batch-size=1", failpoint=f"{at}=kill")
        assert await killed.wait() == -signal.SIGKILL
        assert len(await table.planned()) == planned
        await world.execute("UPDATE backfill_jobs SET producer_lease_until = now()")
        assert "give nothing but --app and --json" in await table.queue("--resume=latest", "--after=", code=2)
        await table.queue("--resume=latest")
        assert await table.planned() == [str(n) for n in range(21, 101)]
        await world.execute("DELETE FROM backfill_jobs")


async def test_jobs_on_both_sides_of_a_key_do_not_overlap(world: World) -> None:
    table = await numbers(world)
    await table.queue("--after=60")
    await table.queue("--after=61", "--order=desc")
    assert len(await table.planned()) == 60
    assert "overlaps this one" in await table.queue("--after=62", "--order=desc", code=4)
    refused = await table.queue("--after=99", code=4)
    assert "overlaps this one" in refused
    assert re.search(r"backfill cancel \S+ --reason=", refused), refused
    await table.work()
    assert await table.values() == {1: 100}


# --- keys of several columns


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


# --- estimates


async def prepared(world: World, monkeypatch: pytest.MonkeyPatch, limit: int | None = None) -> str:
    """Queue in this process while counting takes too long; what was said."""
    monkeypatch.setattr(preparation, "COUNT_SECONDS", 0.0)
    said: list[str] = []
    settings = Settings(database_url=world.database, rabbitmq_url=world.amqp)
    request = Request(Mode.NULL, Priority.NORMAL, "asc", 10, limit, (), None, None)
    screen = Screen(silent=True)
    monkeypatch.setattr(screen, "say", said.append)
    await queueing.queue(settings, Keyed(), request, screen)
    return "\n".join(said)


@pytest.mark.parametrize("partitioned", [False, True])
async def test_an_estimate_never_says_that_there_is_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, partitioned: bool
) -> None:
    by = " PARTITION BY RANGE (id)" if partitioned else ""
    await world.execute(f"CREATE TABLE keyed (id integer PRIMARY KEY, value integer, stays text){by}")
    if partitioned:
        await world.execute(
            "CREATE TABLE low PARTITION OF keyed FOR VALUES FROM (0) TO (50);"
            "CREATE TABLE high PARTITION OF keyed FOR VALUES FROM (50) TO (5000)"
        )
    await world.execute("ALTER TABLE keyed SET (autovacuum_enabled = off)" if not partitioned else "SELECT 1")
    await world.execute("INSERT INTO keyed SELECT generate_series(1, 99)")
    assert "Records: about " in await prepared(world, monkeypatch)
    assert len(await Table(world).planned()) == 99
    if partitioned:
        await world.execute("DELETE FROM backfill_jobs; ANALYZE low; ANALYZE high")
        assert "Records: about 99\n" in await prepared(world, monkeypatch)


async def test_a_job_of_an_estimate_that_finds_nothing_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await numbers(world, 5)
    await world.execute("UPDATE keyed SET value = 1; ANALYZE keyed")
    said = await prepared(world, monkeypatch, limit=3)
    assert "Records: about 3 (limit 3)" in said
    assert "Queued 0 records in 0 batches" in said
    await table.work()
    job = await table.job()
    assert (job["state"], job["records_matched"], job["records_left"]) == ("completed", 0, 0)
