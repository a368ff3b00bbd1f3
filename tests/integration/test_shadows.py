"""Names on the search path that would stand for others; and what is the ledger's own."""

import re
import secrets

import pytest

from backfill import statements
from tests.support import databases
from tests.support.operating import ask, done
from tests.support.world import World


async def test_every_function_of_the_ledger_finds_what_it_names_by_itself(world: World) -> None:
    rows = await world.fetch(
        "SELECT proname::text, prosecdef FROM pg_proc WHERE proname LIKE 'backfill\\_%' AND prosqlbody IS NULL "
        "AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, public, pg_temp']"
    )
    assert rows == []
    definers = await world.fetch("SELECT proname::text FROM pg_proc WHERE proname LIKE 'backfill\\_%' AND prosecdef")
    assert [row[0] for row in definers] == ["backfill_own_tenants"]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("FUNCTION public.lpad(integer, integer, text) RETURNS text LANGUAGE sql AS 'SELECT $3'", "function lpad("),
        ("OPERATOR public.|| (FUNCTION = theirs, LEFTARG = text, RIGHTARG = uuid)", "operator ||("),
        ("FUNCTION public.lpad(theirs) RETURNS text LANGUAGE sql AS 'SELECT NULL'", ""),  # for a type of their own
        ("FUNCTION public.anything(integer) RETURNS text LANGUAGE sql AS 'SELECT NULL'", ""),
        # called, were it not for this: what is passed to it is of no type yet, and numbers like best to be of this one
        (
            "FUNCTION public.backfill_rest_calls(text, text, float, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function backfill_rest_calls(text,text,double precision,text)",
        ),
        ("TABLE early.backfill_leases (name text)", "table backfill_leases"),
        ("VIEW early.backfill_events AS SELECT 'job.completed' AS event", "table backfill_events"),
        ("TABLE early.anything (name text)", ""),
    ],
)
async def test_what_a_stranger_put_in_the_way_is_refused(world: World, made: str, named: str) -> None:
    mallory = f"mallory_{secrets.token_hex(4)}"
    theirs = (
        "CREATE FUNCTION public.theirs(text, uuid) RETURNS text LANGUAGE sql AS 'SELECT $1'; "
        "CREATE TYPE public.theirs AS (n integer)"
    )
    async with databases.new_database(world.database) as url:
        await done(world, "init", DATABASE_URL=url)
        await databases.execute(
            url,
            f"CREATE ROLE {mallory}; GRANT CREATE ON SCHEMA public TO {mallory}; "
            f"CREATE SCHEMA early AUTHORIZATION {mallory}; "
            f"ALTER DATABASE {url.rpartition('/')[2]} SET search_path = early, public",
        )
        await databases.execute(url, f"SET ROLE {mallory}; {theirs}; CREATE {made}")
        answer = await ask(world, "list", DATABASE_URL=url)
        assert answer.code == (6 if named else 0)
        if named:
            assert f"error: {named}" in answer.err
            assert (
                f"of role {mallory} stands in the way of PostgreSQL's or the ledger's own; drop it, and: REVOKE CREATE"
                in answer.err
            )
        await databases.execute(url, f"DROP OWNED BY {mallory}; DROP ROLE {mallory}")


async def test_every_function_that_our_statements_call_is_watched(world: World) -> None:
    watched = set(re.findall(r"'([a-z_0-9]+)'", statements.read("schema/shadows").partition("proname IN (")[2]))
    called: set[str] = set()
    for path in statements.FOLDER.rglob("*.sql"):
        text = re.sub(r"--.*|'[^']*'", "", path.read_text())
        called |= set(re.findall(r"\b([a-z_][a-z0-9_]*) ?\(", text))
    known = "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    assert called & {row[0] for row in await world.fetch(f"{known} AND proname = ANY ($1)", [*called])} <= watched
