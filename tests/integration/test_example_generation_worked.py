"""The example of generation with its workers: months replaced whole, jobs beside each other, one a month by cron."""

import re
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from backfill.examples.service.misbehaviour import Misbehaviour
from backfill.producers.command import main as queue_command
from tests.conftest import ROOT
from tests.support.commands import Command
from tests.support.examples import Generation, Served, counted, numbers, served
from tests.support.operating import Answer, ask, queued
from tests.support.world import World

pytestmark = pytest.mark.long

README = ROOT / "examples/generation/README.md"


@pytest.fixture
async def generation(world: World) -> Generation:
    example = Generation(units=3)
    world.definition = example.app
    await example.prepare(world)
    return example


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


def asked(service: Served, first: str, last: str, *more: str) -> tuple[str, ...]:
    return "-P", f"url={service.url}", "-P", "rate=1000", "-P", f"from_month={first}", "-P", f"to_month={last}", *more


async def call(world: World, *arguments: str) -> Answer:
    return await ask(world, *arguments, command=queue_command)


async def test_each_month_of_a_unit_is_one_fetch_and_one_replacement(
    world: World, generation: Generation, service: Served
) -> None:
    """In one transaction each: rows of a month have one xmin, and others have others."""
    await world.execute("INSERT INTO generation VALUES ('unit-0002', '2024-02-29', 1), ('unit-0002', '2024-02-01', 2)")
    await world.queue(*generation.arguments(service.url))
    await world.finish()
    await generation.is_right(world)
    assert service.counts.keys == {f"{unit}/{month}": 1 for unit in generation.units for month in generation.months}
    rows = await world.fetch("SELECT DISTINCT unit, to_char(day, 'YYYY-MM') AS month, xmin::text FROM generation")
    assert len(rows) == len({row["xmin"] for row in rows}) == generation.keys
    before = await world.fetch("SELECT *, xmin::text FROM generation ORDER BY unit, day")
    await world.queue(*generation.arguments(service.url))
    await world.finish()
    assert counted(await numbers(world)) == {"unchanged": generation.keys}
    assert before == await world.fetch("SELECT *, xmin::text FROM generation ORDER BY unit, day")
    await world.ends_well()


async def test_five_retries_with_their_delays_and_then_the_key_fails_alone(
    world: World, generation: Generation
) -> None:
    world.env["BACKFILL_RETRY_DELAYS"] = "0.2,0.3,0.4,0.5,0.6"
    always = Misbehaviour(error=1)
    async with served(misbehaviour=always) as service:
        await world.queue(*asked(service, "2024-01", "2024-01", "-P", "unit=unit-0001"))
        await world.finish()
        assert service.counts.calls == 6, "once, and five times again"
    row = (await world.fetch("SELECT * FROM backfill_partitions"))[0]
    assert (row["state"], row["attempt_count"], row["records_failed"]) == ("completed", 6, 1)
    assert (row["completed_at"] - row["started_at"]).total_seconds() >= 2.0
    failed = (await world.fetch("SELECT * FROM backfill_failures"))[0]
    assert (failed["record_id"], failed["attempts"]) == ("unit-0001/2024-01", 6)
    assert "/generation/unit-0001/2024-01 answers 500" in failed["error_message"]
    await world.ends_well()


async def test_disjoint_jobs_are_active_at_once_and_overlapping_ones_refused(
    world: World, generation: Generation, service: Served
) -> None:
    every = await queued(world, *asked(service, "2023-11", "2023-12"))
    await queued(world, *asked(service, "2024-01", "2024-02", "-P", "unit=unit-0001"))
    await queued(world, *asked(service, "2024-01", "2024-02", "-P", "unit=unit-0002"))
    for first, last, more in (
        ("2023-12", "2023-12", ("-P", "unit=unit-0003")),
        ("2024-02", "2024-03", ()),
    ):
        refused = await call(world, *asked(service, first, last, *more))
        assert refused.code == 4
        assert "overlaps this one" in refused.err
    assert str(every) in (await call(world, *asked(service, "2023-10", "2023-11"))).err
    await world.finish()
    assert service.counts.calls == 6 + 2 + 2
    await world.ends_well()


async def test_what_is_urgent_is_done_first(world: World, generation: Generation, service: Served) -> None:
    for unit, priority in ((1, "low"), (2, "normal"), (3, "high")):
        arguments = asked(service, "2023-01", "2023-06", "-P", f"unit=unit-000{unit}", f"--priority={priority}")
        await queued(world, *arguments)
    # All are with the worker from the beginning on: in which order it takes them is not the broker's speed to say.
    await world.finish("--concurrency=1", "--prefetch=10")
    ended = await world.fetch(
        "SELECT j.priority, max(p.completed_at) AS at FROM backfill_jobs j "
        "JOIN backfill_partitions p ON p.backfill_job_id = j.id GROUP BY 1 ORDER BY 2"
    )
    assert [row["priority"] for row in ended] == ["high", "normal", "low"]
    await world.ends_well()


def crontab() -> tuple[dict[str, str], str]:
    """The variables and the command of the page's crontab, as cron would give them to a shell."""
    block = re.search(r"```crontab\n(.*?)```", README.read_text(), re.DOTALL)
    assert block
    *variables, line = [one.strip() for one in block[1].strip().splitlines()]
    *when, command = line.split(maxsplit=5)
    assert when == ["30", "5", "2-8", "*", "*"]
    assert not re.search(r"(?<!\\)%", command), "cron takes a bare % for the end of the line"
    return dict(one.split("=", 1) for one in variables), command.replace(r"\%", "%")


def has_date(folder: Path, today: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "date").write_text(f'#!/bin/sh\nexec /bin/date -d "{today} $2" "$3"\n')
    (folder / "date").chmod(0o755)


async def cron(world: World, service: Served, folder: Path, today: str) -> tuple[int, str]:
    """What the line does on a day: a shell with little in its environment, and a `date` that has that day."""
    variables, command = crontab()
    assert variables["BACKFILL_APP"] == "backfill.examples.generation"
    has_date(folder, today)
    home = Path(sys.executable).parent
    command = command.replace("/srv/backfill/bin/", f"{home}/").replace("https://power.example.org", service.url)
    given = variables | {"DATABASE_URL": world.database, "RABBITMQ_URL": world.amqp, "HOME": str(folder)}
    env = given | {"PATH": f"{folder}:/usr/bin:/bin", "TEST_PROGRAMS": "/bin"}
    ran = Command(folder / f"{today}.log", env, "sh", "-c", command)
    return await ran.wait(), ran.output


async def test_cron_opens_one_job_a_month(
    world: World, generation: Generation, service: Served, tmp_path: Path
) -> None:
    async def run(today: str) -> Any:
        code, said = await cron(world, service, tmp_path / "cron", today)
        assert code == 0, said
        return said

    assert "Queued 3 records" in await run("2024-04-02")
    job = await world.job()
    assert await run("2024-04-03") == f"Job {job} was opened with this idempotency key; it is pending.\n"
    await world.finish()
    assert await run("2024-04-08") == f"Job {job} was opened with this idempotency key; it is completed.\n"
    assert "Queued 3 records" in await run("2024-05-02")
    keys = await world.fetch("SELECT idempotency_key FROM backfill_jobs ORDER BY created_at")
    assert [row["idempotency_key"] for row in keys] == ["generation-2024-03", "generation-2024-04"]
    await world.finish()
    assert (await numbers(world))["result"]["data_from"] == "2024-04-01"
    await world.ends_well()


@pytest.mark.parametrize("today", ["2024-03-02", "2024-03-08", "2023-01-05", "2024-12-02"])
def test_days_of_cron_are_all_in_the_month_after(today: str) -> None:
    """Ten days before the second and before the eighth it is the month before."""
    day = date.fromisoformat(today)
    assert (day - timedelta(days=10)).replace(day=1) == (day.replace(day=1) - timedelta(days=1)).replace(day=1)
