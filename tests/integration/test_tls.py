"""TLS to both services with a private authority: it works, and a server that is not who it should be is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backfill.producers.command import main as queue
from tests.support.certificates import Authority, Certificate
from tests.support.operating import ask, done
from tests.support.pooler import pgbouncer
from tests.support.proxy import proxied
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("pooler")
WRONG = [
    ("IP:127.0.0.1", 0, "certificate has expired"),
    ("DNS:elsewhere.example", 2, "IP address mismatch"),
]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_postgresql_with_a_private_authority(world: World, authority: Authority) -> None:
    async with pgbouncer(world.database, size=1, tls=authority.sign("IP:127.0.0.1")) as url:
        for settings in (
            {"DATABASE_URL": f"{url}?sslmode=verify-full&sslrootcert={authority.path}"},
            {"DATABASE_URL": f"{url}?sslmode=verify-full&sslrootcert=system", "SSL_CERT_FILE": str(authority.path)},
            {"DATABASE_URL": f"{url}?sslmode=verify-full", "PGSSLROOTCERT": str(authority.path)},
        ):
            listed = await done(world, "list", **settings)
            assert listed.out.strip() == "No jobs."
        for query, code, said in (
            ("sslmode=verify-full", 2, "add sslrootcert=FILE, or sslrootcert=system"),
            ("sslmode=verify-full&sslrootcert=system", 5, "certificate; correct the server's certificate"),
            ("sslmode=disable", 5, "SSL required"),
        ):
            answer = await ask(world, "list", DATABASE_URL=f"{url}?{query}", HOME="/nonexistent")
            assert answer.code == code, answer
            assert said in answer.err
            assert len(answer.err.splitlines()) == 1
    for name, days, said in WRONG:
        async with pgbouncer(world.database, size=1, tls=authority.sign(name, days=days)) as url:
            trusting = f"{url}?sslmode=verify-full&sslrootcert={authority.path}"
            answer = await ask(world, "list", DATABASE_URL=trusting)
            assert answer.code == 5, answer
            assert said in answer.err
            assert len(answer.err.splitlines()) == 1


async def test_rabbitmq_with_a_private_authority(world: World, authority: Authority) -> None:
    await world.rows(10)

    @asynccontextmanager
    async def tls(certificate: Certificate) -> AsyncIterator[str]:
        async with proxied(world.amqp, tls=certificate.context()) as (url, _):
            yield url.replace("amqp://", "amqps://")

    async with tls(authority.sign("IP:127.0.0.1")) as url:
        trusting = f"{url}?cafile={authority.path}"
        answer = await ask(world, "--mode=all", command=queue, RABBITMQ_URL=trusting)
        assert answer.code == 0, answer
        worker = world.worker("--burst", RABBITMQ_URL=url, SSL_CERT_FILE=str(authority.path))
        assert await worker.wait() == 0, worker.output
        answer = await ask(world, "--mode=all", command=queue, RABBITMQ_URL=url)
        assert (answer.code, "certificate verify failed" in answer.err) == (5, True), answer
    for name, days, said in WRONG:
        async with tls(authority.sign(name, days=days)) as url:
            answer = await ask(world, "--mode=all", command=queue, RABBITMQ_URL=f"{url}?cafile={authority.path}")
            assert answer.code == 5, answer
            assert said in answer.err
            assert len([line for line in answer.err.splitlines() if line.startswith("error: ")]) == 1
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
