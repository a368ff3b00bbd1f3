"""What ledger and dead queue must say."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from backfill.errors import ContractError
from backfill.message import decode
from backfill.states import JOB_ARROWS, JobState
from tests.storm.facts import Facts
from tests.storm.storm import Storm

COUNTS: Final = ("updated", "unchanged", "skipped", "failed", "deleted")


def the_ledger_adds_up(storm: Storm, facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        name, partitions = f"job {job['id']} ({job['state']})", facts.partitions[job["id"]]
        planned = Counter(key for one in partitions for key in one["record_ids"])
        # What others have undone may be planned again, by each closing sweep once.
        places = Counter((one["sweep"], key) for one in partitions for key in one["record_ids"])
        if doubled := [place for place, times in places.items() if times > 1]:
            yield f"{name}: {len(doubled)} records are in two partitions: {doubled[:3]}"
        if not set(facts.failures[job["id"]]) <= set(planned):
            yield f"{name}: failures of records that are in no partition"
        limit = job["record_limit"]
        if limit and len(planned) > limit:
            yield f"{name}: {len(planned)} records planned, more than the limit of {limit}"
        sums = {count: sum(one[f"records_{count}"] for one in partitions) for count in COUNTS}
        if sums["failed"] != len(facts.failures[job["id"]]):
            yield f"{name}: {sums['failed']} records counted as failed, {len(facts.failures[job['id']])} listed"
        if job["records_matched"] not in (len(planned), planned.total()):
            yield f"{name}: {job['records_matched']} records matched, {len(planned)} planned"
        rolled_up = {count: job[f"records_{count}"] for count in COUNTS}
        if job["ended"] and rolled_up != sums:
            yield f"{name}: its counts {rolled_up} are not those of its partitions {sums}"
        states = Counter(one["state"] for one in partitions)
        if job["ended"]:
            for state in ("completed", "failed", "skipped"):
                if job[f"{state}_partitions"] != states[state]:
                    yield f"{name}: {job[f'{state}_partitions']} partitions {state}, in truth {states[state]}"
        if job["state"] == "completed":
            if left := [one["partition_key"] for one in partitions if one["completed_at"] is None]:
                yield f"{name}: {len(left)} of its partitions have not ended: {left[:3]}"
            elif sum(sums.values()) != planned.total():
                yield f"{name}: {planned.total()} records planned, {sums} accounted for"


def nothing_starts_while_it_may_not(storm: Storm, facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        closed: Any = None
        spans = []
        for event in facts.events:
            if event["backfill_job_id"] != job["id"] or event["to_state"] is None:
                continue
            if event["to_state"] in ("paused", "cancelled", "failed", "completed"):
                closed = closed or event["at"]
            elif closed:
                spans.append((closed, event["at"]))
                closed = None
        spans += [(closed, None)] if closed else []
        for one in facts.partitions[job["id"]]:
            began = one["started_at"]
            if began and any(since < began and (until is None or began < until) for since, until in spans):
                yield f"job {job['id']}: partition {one['partition_key']} started at {began}, in {spans}"
                break


def states_follow_the_arrows(storm: Storm, facts: Facts) -> Iterator[str]:
    for event in facts.events:
        before, after = event["from_state"], event["to_state"]
        if before and after and JobState(after) not in JOB_ARROWS[JobState(before)]:
            yield f"job {event['backfill_job_id']} went from {before} to {after}"
    completed = Counter(one["backfill_job_id"] for one in facts.events if one["event"] == "job.completed")
    for job, times in completed.items():
        if times > 1:
            yield f"job {job} was completed {times} times"


def only_bad_records_fail(storm: Storm, facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        if job["state"] == "failed":
            yield f"job {job['id']} failed: {job['error_message']}"
        for one in facts.partitions[job["id"]]:
            if one["state"] == "failed":
                yield f"partition {one['partition_key']} of job {job['id']} failed: {one['error_message']}"
        why = Counter(
            f"{one['error_class']}: {one['error_message']}"
            for one in facts.failures[job["id"]].values()
            if one["error_class"] != "ValueError"
        )
        for text, times in why.most_common(3):
            yield f"{times} good records of job {job['id']} failed: {text}"


def dead_messages_are_known(storm: Storm, facts: Facts) -> Iterator[str]:
    states = {
        (one["backfill_job_id"], one["partition_key"]): one["state"]
        for partitions in facts.partitions.values()
        for one in partitions
    }
    for body in facts.dead:
        if body in storm.garbage or any(known.startswith(body) for known in storm.garbage if len(body) > 10_000):
            continue
        try:
            message = decode(body)
        except ContractError as error:
            yield f"a dead message that nobody sent: {error}"
            continue
        if str(message.job_id) not in storm.deleted:
            state = states.get((message.job_id, message.partition_key))
            if state != "failed":
                yield f"the dead queue holds partition {message.partition_key}, which is {state}"
