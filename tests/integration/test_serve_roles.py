"""What the server's own login needs: a reader's rights and tokens to look, and an operator's to operate."""

import secrets

import pytest

from tests.support.logins import as_role, refused, session
from tests.support.operating import done, queued
from tests.support.serving import serving, token
from tests.support.world import World


@pytest.mark.parametrize("may_operate", [False, True])
async def test_a_server_needs_no_more_than_its_tokens(world: World, may_operate: bool) -> None:
    await done(world, "init", "--roles")
    made = await token(world)
    await world.rows(10)
    job = await queued(world)
    password, role = secrets.token_hex(12), f"test_server_{secrets.token_hex(4)}"
    given = "backfill_server, backfill_operator" if may_operate else "backfill_server"
    await world.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE {given}")
    await world.execute(f"GRANT SELECT ON things TO {role}")
    url = as_role(world.database, role, password)
    try:
        async with serving(world, token=made, DATABASE_URL=url) as served:
            assert (await served.get(f"/jobs/{job}"))["state"] == "pending"
            for path in ("/overview", "/jobs", "/workers", "/backfills", f"/jobs/{job}/workers", f"/jobs/{job}/map"):
                await served.get(path)
            for path in ("partitions", "failures", "failures/groups", "events", "minutes", "checklist", "report"):
                await served.get(f"/jobs/{job}/{path}")
            if may_operate:
                await served.send("POST", f"/jobs/{job}/pause", json={"reason": "lunch"})
            else:
                told = await served.send("POST", f"/jobs/{job}/pause", 424, json={"reason": "lunch"})
                assert "backfill_operator" in told["detail"]
        async with session(url, "default") as own:
            await refused(
                own, "INSERT INTO backfill_tokens (name, role, hash, created_by) VALUES ('x', 'read', '', '')"
            )
            await refused(own, "UPDATE backfill_tokens SET role = 'operate'")
            await refused(own, "DELETE FROM backfill_tokens")
        if may_operate:
            event = (await world.fetch("SELECT actor, login FROM backfill_events WHERE event = 'job.paused'"))[0]
            assert (event["actor"], event["login"]) == ("token:ada", role)
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("name", ["worker", "reader", "operator"])
async def test_nobody_else_sees_tokens(world: World, name: str) -> None:
    await done(world, "init", "--roles")
    await token(world)
    password, role = secrets.token_hex(12), f"test_other_{secrets.token_hex(4)}"
    await world.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_{name}")
    try:
        async with session(as_role(world.database, role, password), "default") as own:
            await refused(own, "SELECT hash FROM backfill_tokens")
            await refused(own, "SELECT name FROM backfill_tokens")
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
