"""Whatever operators and the machine do to jobs, in any order, while workers write: the promises hold.

The definition adds one to a value, so that a second effect and a lost one both show.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from backfill import settings as settings_module
from backfill.errors import ConflictError
from backfill.ledger import operations
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.services import Services
from backfill.states import JOB_ARROWS, JobState
from tests.conftest import environment
from tests.support import broker
from tests.support.commands import Command
from tests.support.databases import new_database
from tests.support.definitions import Configured
from tests.support.queueing import in_process
from tests.support.waiting import eventually
from tests.support.world import World, application, new_world

pytestmark = pytest.mark.long

RECORDS, BATCH = 120, 4
MOST_WORKERS = 3
# Long enough to be met by a kill, a pause or a forced reset between reading and writing.
INPUTS = "SELECT id, value FROM things, (SELECT pg_sleep(0.08)) AS nap WHERE id = ANY($1)"
# What may happen; some kinds come more often than others.
STEPS = (
    *("pause", "resume", "kill", "start") * 3,
    *("set", "open", "force", "freeze", "thaw") * 2,
    *("cancel", "retry", "reset", "put_right"),
)
REFUSED = 12  # the table refuses 13: these records fail until the application puts them right


class Operating(RuleBasedStateMachine):
    """Verbs against a real database and broker, with worker processes that are killed and started."""

    services: Services
    template: str
    folder: Path
    happened: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.workers: list[Command] = []
        self.next: list[str] = []
        self.frozen: Command | None = None
        self.quiet: tuple[UUID, int, int] | None = None  # a job where nothing may start, its version, and starts so far

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    # --- the place

    @initialize()
    def begin(self) -> None:
        self.do(self._begin())

    async def _begin(self) -> None:
        url = await self.stack.enter_async_context(new_database(self.services.database_url, template=self.template))
        assert self.services.management_url
        amqp = self.stack.enter_context(broker.new_vhost(self.services.amqp_url, self.services.management_url))
        env = environment(url, amqp, self.services.management_url, self.folder)
        # What queues runs in this process, with inputs of its own.
        env |= {"TEST_INPUTS": INPUTS, "BACKFILL_ON_CHANGED_DEFINITION": "warn"}
        self.world: World = await self.stack.enter_async_context(new_world(url, amqp, env, self._spawn))
        self.world.definition = "Configured"
        with mock.patch.dict(os.environ, self.world.env | {"BACKFILL_APP": application("Configured")}, clear=True):
            self.settings = settings_module.read()
        await self.world.rows(RECORDS, value=f"CASE WHEN id % 40 = 0 THEN {REFUSED} END")
        await self._queue()
        for _ in range(2):
            self._start_worker()
        await self._let_some_work_be_done(seconds=15)

    def _spawn(self, name: str, *arguments: str, env: dict[str, str]) -> Command:
        return Command(self.folder / f"{secrets.token_hex(6)}.log", env, name, *arguments)

    def _start_worker(self) -> None:
        self.workers.append(self.world.worker("--concurrency=2"))

    async def _queue(self) -> None:
        request = Request(Mode.ALL, Priority.NORMAL, "asc", BATCH, None, (), None, None)
        result = await in_process(self.settings, Configured(), request)
        assert result["queued"] == RECORDS
        # Slow enough to be met in the middle.
        await self.world.execute("UPDATE backfill_jobs SET pause_ms = 50 WHERE id = $1", UUID(result["job"]))

    async def _verb(self, verb: Callable[..., Coroutine[Any, Any, Any]], **options: Any) -> Any:
        """Give a verb to the newest job; None when its state does not allow it."""
        job = await self.world.job()
        try:
            done = await verb(self.world.connection, job, actor="test", **options)
        except ConflictError:  # which state allows what is looked at in the events
            return None
        return done

    # --- what operators and the machine do

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        if not self.next:
            # One rule and all kinds in some order: no example is left with a single kind of step.
            self.next = data.draw(st.permutations(STEPS), label="steps")
        what = self.next.pop()
        done = self.do(getattr(self, f"_{what}")(data))
        if done:
            self.happened[what] += 1
        self.do(self._let_some_work_be_done())

    async def _pause(self, data: st.DataObject) -> bool:
        await self._open(data)  # on a busy machine the one before may have come to any end
        done = await self._verb(operations.pause)
        if done is not None and done.changed:
            await self._nothing_may_start_from_now_on(done.job_id)
        return done is not None and done.changed

    async def _resume(self, _: st.DataObject) -> bool:
        done = await self._verb(operations.resume)
        return done is not None and done.changed

    async def _cancel(self, _: st.DataObject) -> bool:
        done = await self._verb(operations.cancel, reason="to see what happens")
        if done is not None and done.changed:
            await self._nothing_may_start_from_now_on(done.job_id)
        return done is not None and done.changed

    async def _set(self, data: st.DataObject) -> bool:
        options = {
            "priority": data.draw(st.sampled_from([None, "normal", "high"])),
            "max_workers": data.draw(st.sampled_from([None, 0, 1, 2])),
            "pause_ms": data.draw(st.sampled_from([20, 50, 150])),
        }
        return await self._verb(operations.set_job, deadline=None, **options) is not None

    async def _reset(self, _: st.DataObject, *, force: bool = False) -> bool:
        taken = await self._verb(operations.reset_stuck, force=force)
        return taken is not None and taken[0] > 0

    async def _force(self, data: st.DataObject) -> bool:
        return await self._reset(data, force=True)

    async def _retry(self, _: st.DataObject) -> bool:
        return await self._verb(operations.retry) is not None

    async def _open(self, _: st.DataObject) -> bool:
        try:
            await self._queue()
        except ConflictError:  # one is active
            return False
        return True

    async def _put_right(self, _: st.DataObject) -> bool:
        await self.world.execute("UPDATE things SET value = 100 WHERE value = $1", REFUSED)
        return True

    async def _kill(self, data: st.DataObject) -> bool:
        alive = self._alive()
        if alive:
            victim: Command = data.draw(st.sampled_from(range(len(alive))).map(alive.__getitem__))
            victim.kill()
            await victim.wait()  # else it may be asked to end in order at the end of the history
        return bool(alive)

    async def _freeze(self, data: st.DataObject) -> bool:
        """Stop a worker with a partition in hand, as a suspended machine would."""
        alive = self._alive()
        if alive and self.frozen is None:
            self.frozen = data.draw(st.sampled_from(range(len(alive))).map(alive.__getitem__))
            self.frozen.kill(signal.SIGSTOP)
            self.thaw_at = time.monotonic() + 3
            return True
        return False

    async def _thaw(self, _: st.DataObject) -> bool:
        """Let it go on when others have taken over what it holds: it must not write that any more."""
        if self.frozen is None:
            return False
        await eventually(lambda: time.monotonic() > self.thaw_at, what="a time longer than a lease")
        self.frozen.kill(signal.SIGCONT)
        self.frozen = None
        return True

    async def _start(self, _: st.DataObject) -> bool:
        if len(self._alive()) >= MOST_WORKERS:
            return False
        self._start_worker()
        return True

    def _alive(self) -> list[Command]:
        return [worker for worker in self.workers if worker.returncode is None and worker is not self.frozen]

    async def _let_some_work_be_done(self, seconds: float = 0.4) -> None:
        """Until more was written, or nothing is to be expected: a paused job, or workers that only begin."""
        before = await self.world.value("SELECT count(*) FROM audit")

        async def more() -> bool:
            written: int = await self.world.value("SELECT count(*) FROM audit")
            return written >= before + BATCH

        with contextlib.suppress(AssertionError):
            await eventually(more, deadline=seconds)

    # --- what must hold after each step

    async def _nothing_may_start_from_now_on(self, job_id: UUID) -> None:
        self.quiet = (job_id, *await self._starts(job_id))

    async def _starts(self, job_id: UUID) -> tuple[int, int]:
        row = await self.world.fetch(
            "SELECT j.version, (SELECT sum(attempt_count) FROM backfill_partitions WHERE backfill_job_id = j.id) AS n "
            "FROM backfill_jobs j WHERE j.id = $1",
            job_id,
        )
        return row[0]["version"], row[0]["n"]

    @invariant()
    def only_legal_arrows_happened(self) -> None:
        if hasattr(self, "settings"):
            self.do(self._arrows())

    async def _arrows(self) -> None:
        state: dict[UUID, str | None] = {}
        for event in await self.world.fetch("SELECT * FROM backfill_events WHERE to_state IS NOT NULL ORDER BY id"):
            job, before, after = event["backfill_job_id"], event["from_state"], event["to_state"]
            assert before == state.get(job), f"job {job} was {state.get(job)}, but an event says {before} -> {after}"
            assert before is None or JobState(after) in JOB_ARROWS[JobState(before)], f"{before} -> {after}"
            state[job] = after

    @invariant()
    def the_counts_are_true_and_no_effect_came_twice(self) -> None:
        if hasattr(self, "settings"):
            self.do(self._counts())

    async def _counts(self) -> None:
        # One statement sees one moment: a partition's counts and its writes commit together.
        (row,) = await self.world.fetch(
            "SELECT (SELECT coalesce(sum(records_updated), 0) FROM backfill_partitions) AS counted, "
            "(SELECT count(*) FROM audit WHERE who LIKE 'worker %') AS audited, "
            "(SELECT count(*) FROM audit WHERE who LIKE 'worker %' AND new <> coalesce(old, 0) + 1) AS stale, "
            "(SELECT coalesce(sum(records_failed), 0) FROM backfill_partitions) AS failed, "
            "(SELECT count(*) FROM backfill_failures) AS listed, "
            "(SELECT count(*) FROM (SELECT a.id FROM audit a WHERE who LIKE 'worker %' GROUP BY a.id HAVING count(*) > "
            " (SELECT count(*) FROM backfill_partitions p WHERE a.id::text = ANY (p.record_ids))) t) AS doubled"
        )
        assert row["counted"] == row["audited"], row
        assert (row["stale"], row["doubled"]) == (0, 0), row
        assert row["failed"] == row["listed"], row

    @invariant()
    def a_job_that_stands_still_starts_nothing(self) -> None:
        if self.quiet is None:
            return
        job, version, before = self.quiet
        now, starts = self.do(self._starts(job))
        if now == version:
            assert starts <= before, f"partitions of job {job} started though it stood still"

    # --- the end

    def teardown(self) -> None:
        try:
            if hasattr(self, "settings"):
                self.do(self._end())
        finally:
            for worker in self.workers:
                worker.close()
            self.do(self.stack.aclose())
            self.runner.close()

    async def _end(self) -> None:
        world = self.world
        if self.frozen is not None:
            self.frozen.kill(signal.SIGCONT)
            self.frozen = None  # it ends with the others, and leaves what it has in hand
        await world.execute("UPDATE things SET value = 100 WHERE value = $1", REFUSED)
        await self._verb(operations.resume)
        for worker in self._alive():
            await world.drain(worker)
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0, max_workers = NULL WHERE completed_at IS NULL")
        await world.finish()
        await self._arrows()
        await self._counts()
        await world.ends_well(states=["completed", "failed", "cancelled"])
        planned = Counter(
            {
                row["id"]: row["n"]
                for row in await world.fetch(
                    "SELECT backfill_job_id AS id, sum(record_count) AS n FROM backfill_partitions GROUP BY 1"
                )
            }
        )
        for job in await world.fetch("SELECT * FROM backfill_jobs WHERE parent_job_id IS NULL"):
            assert planned[job["id"]] == RECORDS, "a record is in no partition"


@pytest.mark.timeout(600)  # of a machine that has much else to do
def test_only_legal_arrows_no_lost_record_and_no_double_effect_whatever_is_done_to_jobs(
    services: Services, template: str, tmp_path: Path
) -> None:
    happened: Counter[str] = Counter()
    machine = type(
        "Machine", (Operating,), {"services": services, "template": template, "folder": tmp_path, "happened": happened}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=4,
            stateful_step_count=len(STEPS),
            deadline=None,
            derandomize=not os.environ.get("HYPOTHESIS_SEARCH"),
            database=None,
            # A shrunk history would take as many runs as it is worth; the one that failed is printed.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    # Else it would have shown nothing.
    assert {"pause", "resume", "kill", "start", "set", "freeze", "thaw"} <= set(happened), happened
