"""Who may ask the server what: tokens, roles, sessions, and the pages of other sites."""

import httpx
import pytest

from tests.support.operating import ask, done, queued
from tests.support.serving import API, body, serving, token
from tests.support.waiting import eventually
from tests.support.world import World


async def test_on_this_machine_nobody_signs_in_until_there_is_a_token(world: World) -> None:
    await world.rows(5)
    job = await queued(world)
    async with serving(world) as served:
        assert await served.get("/session") == {
            "name": "local",
            "role": "operate",
            "tenant": "default",
            "version": (await served.get("/session"))["version"],
            "has_monitor": False,
        }
        shown = await served.get("/jobs/latest")
        assert shown["job"] == str(job)

        made = await token(world)

        async def closed() -> bool:
            return bool(await served.get("/session", 401))

        await eventually(closed)
        mine = {"Authorization": f"Bearer {made}"}
        assert (await served.get("/session", headers=mine))["name"] == "ada"
        await done(world, "token", "revoke", "ada")

        async def refused() -> bool:
            return bool(await served.get("/session", 401, headers=mine))

        await eventually(refused)
        # The last token being revoked lets nobody in without one.
        await served.get("/session", 401)


async def test_a_token_that_reads_changes_nothing(world: World) -> None:
    made = await token(world, "grafana", "read")
    async with serving(world, token=made) as served:
        assert (await served.get("/session"))["role"] == "read"
        told = await served.send("POST", "/jobs/latest/pause", 403)
        assert "grafana" in told["detail"]
        assert "--role=operate" in told["detail"]


async def test_the_page_signs_in_once(world: World) -> None:
    made = await token(world)
    async with serving(world) as served:
        await served.get("/session", 401)
        own = {"Origin": served.url}
        answer = await served.client.post(f"{API}/session", json={"token": made}, headers=own)
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert made not in cookie
        assert cookie.startswith(f"backfill_session_{served.url.rpartition(':')[2]}=")
        assert (await served.get("/session"))["name"] == "ada"
        # What changes something has to come from the server's own page.
        await served.send("POST", "/jobs/latest/pause", 403)
        await served.send("POST", "/jobs/latest/pause", 403, headers={"Origin": "https://elsewhere.example"})
        await served.send("POST", "/jobs/latest/pause", 403, headers={"Sec-Fetch-Site": "cross-site"})
        assert (await served.client.delete(f"{API}/session", headers=own)).status_code == 204
        await served.get("/session", 401)
        encrypted = await served.client.post(
            f"{API}/session", json={"token": made}, headers=own | {"X-Forwarded-Proto": "https"}
        )
        assert "Secure" in encrypted.headers["set-cookie"]


async def test_failed_sign_ins_are_limited(world: World) -> None:
    made = await token(world)
    async with serving(world) as served:
        for _ in range(10):
            await served.send("POST", "/session", 401, json={"token": "backfill_wrong"})
        answer = await served.client.post(f"{API}/session", json={"token": "backfill_wrong"})
        body(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        await served.get("/session", 429, headers={"Authorization": "Bearer backfill_wrong"})
        # Programs that have a token go on.
        await served.get("/session", headers={"Authorization": f"Bearer {made}"})
        assert made not in served.command.output
        assert "backfill_wrong" not in served.command.output


@pytest.mark.parametrize("host", ["elsewhere.example", "localhost.elsewhere.example:80", "", "a/b", "[::1"])
async def test_a_server_is_asked_by_a_name_of_its_own(world: World, host: str) -> None:
    async with serving(world) as served:
        await served.get("/session", 421, headers={"Host": host})
        await served.get("/session", headers={"Host": "localhost:1"})


async def test_another_site_s_page_may_not_ask(world: World) -> None:
    async with serving(world) as served:
        for origin in ("https://elsewhere.example", "null", "http://[", served.url.replace("127.0.0.1", "localhost")):
            await served.get("/session", 403, headers={"Origin": origin})
        await served.get("/session", headers={"Origin": served.url})
        # An image of another site's page: no browser says its origin.
        for site in ("cross-site", "same-site"):
            await served.get("/jobs", 403, headers={"Sec-Fetch-Site": site})
        await served.get("/jobs", headers={"Sec-Fetch-Site": "none"})


async def test_behind_a_proxy_this_machine_is_anybody(world: World) -> None:
    async with serving(world) as served:
        for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            await served.get("/session", 401, headers={name: "192.0.2.1"})


async def test_other_addresses_need_a_token(world: World) -> None:
    answer = world.spawn("backfill-serve", "--port=0", "--host=0.0.0.0", env=world.env)
    assert await answer.wait() == 2
    assert "backfill token create NAME --role=operate" in answer.output
    proxied = world.spawn("backfill-serve", "--port=0", "--allow-host=backfill.example", env=world.env)
    assert await proxied.wait() == 2
    below = world.spawn("backfill-serve", "--port=0", "--root-path=/backfill", env=world.env)
    assert await below.wait() == 2
    async with serving(world, "--allow-host=localhost", "--allow-host=127.0.0.1") as near:
        await near.get("/session")
    made = await token(world)
    async with serving(world, "--host=0.0.0.0", "--allow-host=backfill.example") as served:
        url = f"http://127.0.0.1:{served.url.rpartition(':')[2]}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            body(await client.get(f"{API}/session"), 401)
            mine = {"Authorization": f"Bearer {made}"}
            assert body(await client.get(f"{API}/session", headers=mine | {"Host": "backfill.example"}))
            body(await client.get(f"{API}/session", headers=mine | {"Host": "elsewhere.example"}), 421)


async def test_tokens_are_listed_and_their_use_is_noted(world: World) -> None:
    made = await token(world)
    assert (await ask(world, "token", "create", "ada")).code == 4
    assert (await ask(world, "token", "create", "Ada Lovelace")).code == 2
    assert (await ask(world, "token", "revoke", "bob")).code == 3
    async with serving(world, token=made) as served:

        async def used() -> bool:
            await served.get("/session")
            (one,) = (await done(world, "token", "list", "--json")).json["tokens"]
            return one["last_used_at"] is not None

        await eventually(used)
    listed = await done(world, "token", "list", "--json")
    assert made not in listed.out
    assert "hash" not in listed.out
    assert await world.value("SELECT count(*) FROM backfill_tokens WHERE position(hash IN $1) > 0", made.encode()) == 0
    await done(world, "token", "revoke", "ada")
    events = [row["event"] for row in await world.fetch("SELECT event FROM backfill_events ORDER BY id")]
    assert events == ["token.created", "token.revoked"]
    again = await token(world)
    assert again != made


async def test_an_expired_token_is_none(world: World) -> None:
    made = (await done(world, "token", "create", "ada", "--expires=0.001", "--json")).json["token"]
    async with serving(world, token=made) as served:
        await served.get("/session")
        await world.execute("UPDATE backfill_tokens SET expires_at = clock_timestamp()")

        async def expired() -> bool:
            return bool(await served.get("/session", 401))

        await eventually(expired)


async def test_bodies_are_bounded(world: World) -> None:
    async with serving(world) as served:
        large = b" " * (1024 * 1024 + 1)
        await served.send("POST", "/session", 413, content=large)

        async def chunks() -> object:
            for _ in range(40):
                yield b" " * 65_536

        await served.send("POST", "/session", 413, content=chunks())
        await served.send("POST", "/session", 422, content=b"{")
        told = await served.send("POST", "/session", 422, json={"token": 5})
        assert told["errors"][0]["where"] == "body.token"


async def test_every_answer_forbids_what_a_page_may_be_made_to_do(world: World) -> None:
    async with serving(world) as served:
        for path in (f"{API}/session", f"{API}/nothing", "/healthz", f"{API}/openapi.json"):
            headers = (await served.client.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
        assert (await served.client.get(f"{API}/session")).headers["cache-control"] == "no-store"
        await served.get("/nothing", 404)
        await served.get("/jobs/latest", 404)
        await served.get("/jobs/nothing", 404)
        await served.send("PUT", "/session", 405)
