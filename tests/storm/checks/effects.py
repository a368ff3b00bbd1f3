"""What table and audit must show."""

from collections import Counter
from collections.abc import Iterator

import asyncpg

from tests.storm import table
from tests.storm.facts import Facts
from tests.storm.storm import Storm


def the_audit_agrees(storm: Storm, facts: Facts) -> Iterator[str]:
    written = Counter(one["job"] for one in facts.audit if one["job"])
    for job in facts.jobs:
        counted = sum(one["records_updated"] for one in facts.partitions[job["id"]])
        if counted != written[job["id"]]:
            yield f"job {job['id']}: the ledger counts {counted} updates, the audit {written[job['id']]}"


def no_effect_comes_twice(storm: Storm, facts: Facts) -> Iterator[str]:
    """Between two writes of one job to a record, the application has written it."""
    last: dict[int, asyncpg.Record] = {}
    doubled = []
    for one in facts.audit:
        before = last.get(one["n"])
        last[one["n"]] = one
        if before is None or one["job"] is None or before["job"] != one["job"]:
            continue
        if not any(before["at"].timestamp() <= at <= one["at"].timestamp() for at in storm.application.changes):
            doubled.append((str(one["job"]), one["key"], str(before["at"]), str(one["at"])))
    if doubled:
        yield f"{len(doubled)} records were written twice by one job: {doubled[:3]}"


def no_value_is_of_older_input(storm: Storm, facts: Facts) -> Iterator[str]:
    wrong = [
        {name: str(one[name]) for name in ("at", "n", "key", "old", "old_base", "new")}
        for one in facts.audit
        if one["job"] and (one["new"] is None or int(one["new"]) != table.expected(one["old"], one["old_base"]))
    ]
    if wrong:
        yield f"{len(wrong)} values were computed from older input than what they replaced: {wrong[:3]}"


def only_what_is_selected_is_written(storm: Storm, facts: Facts) -> Iterator[str]:
    if not storm.schedule.work.has_where:
        return
    wrong = [one["key"] for one in facts.audit if one["job"] and one["old_base"] % 7 == 0]
    if wrong:
        yield f"{len(wrong)} records were written that where left out: {wrong[:3]}"


def only_who_holds_a_partition_writes_it(storm: Storm, facts: Facts) -> Iterator[str]:
    strange = Counter(
        (one["who"], one["holder"])
        for one in facts.audit
        if one["job"] and one["holder"] and not one["who"].endswith(f":{one['holder']}")
    )
    for (who, holder), rows in strange.items():
        yield f"{who} wrote {rows} records of partitions that process {holder} held"


def nothing_is_lost(storm: Storm, facts: Facts) -> Iterator[str]:
    """Every record that was left alone since the job was opened has what it should; what still matches is said."""
    application, has_where = storm.application, storm.schedule.work.has_where
    for job in facts.jobs:
        if job["state"] != "completed":
            continue
        planned = {key for one in facts.partitions[job["id"]] for key in one["record_ids"]}
        whole = not (job["record_limit"] or job["record_ids"] or job["after_key"])
        last = max((one["ended"] for one in facts.partitions[job["id"]] if one["ended"]), default=job["opened"])
        by_job = {one["n"] for one in facts.audit if one["job"] == job["id"]}
        unplanned, unwritten, left = [], [], []
        for n, row in facts.rows.items():
            touched = max(application.written.get(n, 0.0), application.all_written)
            born, failed = application.born.get(n, 0.0), row["key"] in facts.failures[job["id"]]
            alone = touched < job["opened"] and born < job["opened"]
            is_selected = alone and row["wanted"] if has_where else born < job["opened"]
            if row["key"] in planned:
                # In the other modes a job that was given up may have written it, in a transaction that was open then.
                is_done = n in by_job if job["mode"] == "all" else not row["matches"]
                if alone and row["base"] >= 0 and not is_done and not failed:
                    unwritten.append(row["key"])
            elif whole and n in facts.within[job["id"]] and job["mode"] == "all" and is_selected:
                unplanned.append(row["key"])
            # The last sweep began when every partition had ended, and saw what was committed by then.
            is_left = row["matches"] and touched < last and row["base"] >= 0 and not failed
            if is_left and whole and job["mode"] != "all" and n in facts.within[job["id"]]:
                left.append(row["key"])
        if unwritten:
            yield f"job {job['id']} is completed without {len(unwritten)} records that it planned: {unwritten[:3]}"
        if unplanned:
            yield f"job {job['id']} is completed and never planned {len(unplanned)} records: {unplanned[:3]}"
        if len(left) > job["records_left"]:
            yield f"job {job['id']} is completed, says {job['records_left']} left, and {len(left)} match: {left[:3]}"
