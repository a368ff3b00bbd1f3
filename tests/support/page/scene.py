"""The jobs that are looked at: one in each situation that the page has to show."""

from typing import Any, Final

from tests.support.page import made_up_jobs as jobs

HOSTILE: Final = '<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>"\'&amp;‮${alert(1)}'


def jobs_of_all_kinds() -> list[dict[str, Any]]:
    """Running as a second pass, being planned, paused, pending, ended with failures, and full of hostile texts."""
    coverage = {
        "in_scope": 1_840_000,
        "before": 1_002_400,
        "now": 1_312_400,
        "projected": 1_502_143,
        "is_estimate": False,
    }
    first, second = jobs.name(4), jobs.name(1)
    passes = [
        {
            "pass": 1,
            "job": first,
            "state": "completed",
            "matched": 837_600,
            "updated": 580_000,
            "unchanged": 0,
            "skipped": 2_000,
            "failed": 140,
            "deleted": 0,
            "seconds_left": None,
        },
        {
            "pass": 2,
            "job": second,
            "state": "running",
            "matched": 500_000,
            "updated": 294_243,
            "unchanged": 15_500,
            "skipped": 0,
            "failed": 257,
            "deleted": 0,
            "seconds_left": 78.0,
        },
    ]
    running = jobs.job(
        1,
        failed=257,
        coverage=coverage,
        passes=passes,
        pass_number=2,
        first_job=first,
        sla="at_risk",
        sla_deadline_at=jobs.at(85),
        max_workers=8,
        pause_ms=5,
        held_partitions=1,
        held_since=jobs.at(-40),
        held_reason="waits for a lock that the application holds on public.killmails",
        retried_recovered=1_204,
        retried_failed=17,
        state_since=jobs.at(-1329),
    )
    planning = jobs.job(
        2,
        backfill="prices",
        mode="all",
        is_planned=False,
        matched=48_000,
        done=9_000,
        parameters={"region": 10_000_002},
    )
    paused = jobs.job(
        3,
        "paused",
        "labels",
        matched=90_000,
        done=30_000,
        pause_cause="definition",
        paused_by="worker-2:4102",
        pause_reason="the definition has changed since the job was opened: columns label, language",
    )
    ended_one = jobs.job(4, "completed", failed=257, matched=837_600, pass_number=1, first_job=first, passes=passes)
    pending = jobs.job(5, "pending", "labels", matched=1_200)
    hostile = jobs.job(
        6,
        "failed",
        HOSTILE,
        mode=HOSTILE,
        error_message=HOSTILE,
        created_by=HOSTILE,
        failed=9,
        matched=900,
        skip_reasons={HOSTILE: 3},
        parameters={HOSTILE: HOSTILE},
    )
    return [running, planning, paused, pending, ended_one, hostile]
