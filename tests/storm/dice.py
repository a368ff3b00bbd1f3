"""A schedule from a seed: which table, which job, what happens to them and when.

The same number gives the same schedule, also when some events are switched off; how the processes run between the
events is the machine's.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.storm import work
from tests.storm.keys import COLUMNS, KEYS
from tests.storm.work import Work

SECONDS: Final = 5.0  # events come within so much time
# How often each event is drawn. A name in PRIVATE restarts a service, which is then the lane's own.
WEIGHTS: Final = {
    "kill_worker": 6,
    "stop_worker": 4,
    "freeze_worker": 5,
    "drain_worker": 3,
    "second_producer": 3,
    "end_worker_sessions": 4,
    "end_all_sessions": 2,
    "purge_queue": 3,
    "delete_queue": 3,
    "cut_broker_links": 4,
    "send_duplicates": 6,
    "send_garbage": 3,
    "pause_and_resume": 4,
    "set_job": 4,
    "reset_stuck": 4,
    "cancel_and_queue": 3,
    "retry_failed": 1,
    "look": 2,
    "lock_table": 2,
    "lock_rows": 3,
    "alter_in_open_transaction": 2,
    "add_other_column": 2,
    "drop_and_add_column": 2,
    "change_type": 2,
    "truncate": 2,
    "change_state_by_hand": 3,
    "complete_by_hand": 1,
    "delete_job_by_hand": 1,
    "hold_job_row": 2,
    "restart_postgres": 1,
    "crash_postgres": 1,
    "restart_rabbitmq": 1,
}
CLEAR: Final = "clear"  # no event: the application goes on doing it
PRIVATE: Final = frozenset({"restart_postgres", "crash_postgres", "restart_rabbitmq"})
# What the first worker is made to do, so that the rare moments come in many schedules.
OPENINGS: Final = {"zombie": 5, "overtaken": 5, "worker_dies": 4, "nothing": 2}
PRODUCER_DIES: Final = (
    "producer.after_open=kill",
    "producer.after_plan=kill",
    "producer.after_publish=kill",
    "producer.after_mark=kill@2",
    "producer.before_finish=kill",
)
WORKER_DIES: Final = (
    "worker.before_claim=kill@3",
    "worker.after_claim=kill@3",
    "worker.after_compute=kill@3",
    "worker.before_commit=kill@3",
    "worker.after_commit=kill@3",
    "worker.before_commit=stop@3",
    "worker.after_claim=stop@3",
    "reconciler.before_publish=kill",
)


@dataclass(frozen=True)
class Event:
    at: float  # seconds since the job was opened, or since the workers were started
    name: str
    seed: int  # of what it draws itself


@dataclass(frozen=True)
class Schedule:
    seed: int
    key: tuple[str, ...]
    column: str
    rows: int
    batch_size: int
    mode: str
    order: str
    limit: int | None
    by_columns: bool  # the definition names a version column instead of xmin
    concurrency: int
    delay: float  # that loading a partition takes
    writes: float  # of the application, a second
    opening: str
    worker_failpoint: str
    producer_failpoint: str
    clears: bool  # the application takes values away again
    is_early: bool  # events come from the first moment on, not from the opening of the job on
    events: tuple[Event, ...]
    work: Work

    @property
    def needs_private(self) -> bool:
        """Whether it needs services of its own."""
        return any(event.name in PRIVATE for event in self.events)

    def without(self, names: Collection[str]) -> "Schedule":
        """The same schedule, these left out."""
        left = tuple(event for event in self.events if event.name not in names)
        return replace(self, events=left, clears=CLEAR not in names)

    def __str__(self) -> str:
        key = ", ".join(self.key)
        happening = ", ".join(f"{event.name} {event.at:.1f}" for event in self.events)
        begin = self.opening if not self.worker_failpoint else f"{self.opening} {self.worker_failpoint}"
        begin += f", {self.producer_failpoint}" if self.producer_failpoint else ""
        begin += ", early" if self.is_early else ""
        return (
            f"{self.rows} rows ({key}) {self.column}, mode {self.mode} {self.order} by {self.batch_size}"
            f"{f' limit {self.limit}' if self.limit else ''}, {'touched' if self.by_columns else 'xmin'}, {self.work}: "
            f"{begin}; {happening}"
        )


def _once(names: list[str]) -> list[str]:
    """A restart takes seconds: only the first of them stays."""
    restarts = [name for name in names if name in PRIVATE]
    return [name for name in names if name not in PRIVATE] + restarts[:1]


def schedule(seed: int) -> Schedule:
    dice = Random(seed)
    mode = dice.choice(["all", "all", "null", "zero"])
    column = dice.choice([one for one in COLUMNS if mode != "zero" or one != "text"])
    rows = dice.randint(200, 2_000)
    # Many, so that every event meets some under way; or few, which meet the same misfortune again and again.
    partitions = dice.randint(60, 200) if dice.random() < 0.7 else dice.randint(5, 20)
    batch_size = max(1, rows // partitions)
    concurrency = dice.randint(1, 3)
    opening = dice.choices(list(OPENINGS), list(OPENINGS.values()))[0]
    names = _once(dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=dice.randint(3, 7)))
    events = sorted((round(dice.uniform(0.2, SECONDS), 1), name, dice.getrandbits(32)) for name in names)
    works = work.draw(seed, rows)
    if works.way == "keys":
        mode, events = "all", [event for event in events if event[1] not in work.NOT_FOR_KEYS]
    return Schedule(
        seed=seed,
        key=dice.choice(list(KEYS)),
        column=column,
        rows=rows,
        batch_size=batch_size,
        mode=mode,
        order=dice.choice(["asc", "desc"]),
        limit=dice.choice([None, None, None, rows // 2]),
        by_columns=dice.random() < 0.3,
        concurrency=concurrency,
        delay=round(min(0.8, dice.uniform(4, 7) * concurrency * 2 * batch_size / rows), 3),
        writes=dice.choice([5.0, 20.0, 60.0]),
        opening=opening,
        worker_failpoint=work.failpoint(works, dice.choice(WORKER_DIES)) if opening == "worker_dies" else "",
        producer_failpoint=dice.choice(PRODUCER_DIES) if dice.random() < 0.2 else "",
        clears=True,
        is_early=dice.random() < 0.2,
        events=tuple(Event(*event) for event in events),
        work=works,
    )
