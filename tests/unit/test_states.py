"""Every arrow and every non-arrow between states."""

import itertools

import pytest

from backfill.states import ACTIVE, CLAIMABLE, ENDED, JOB_ARROWS, PARTITION_ARROWS, JobState, PartitionState

JOBS = {
    ("pending", "running"),
    ("pending", "paused"),
    ("pending", "cancelled"),
    ("running", "paused"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("paused", "resuming"),
    ("paused", "cancelled"),
    ("resuming", "running"),
    ("resuming", "paused"),
    ("resuming", "cancelled"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(JobState, JobState)))
def test_an_arrow_between_job_states_is_there_or_not(before: JobState, after: JobState) -> None:
    assert (after in JOB_ARROWS[before]) == ((before.value, after.value) in JOBS)


@pytest.mark.parametrize("state", JobState)
def test_a_job_has_ended_when_no_arrow_leaves_its_state(state: JobState) -> None:
    assert (state in ENDED) == (not JOB_ARROWS[state])
    assert (state in ENDED) != (state in ACTIVE)


def test_a_paused_job_is_active_and_not_claimable() -> None:
    assert {JobState.PAUSED} == ACTIVE - CLAIMABLE


@pytest.mark.parametrize("state", PartitionState)
def test_a_partition_leaves_pending_by_a_claim_only_and_an_end_never(state: PartitionState) -> None:
    arrows = PARTITION_ARROWS[state]
    if state is PartitionState.PENDING:
        assert arrows == {PartitionState.RUNNING}
    elif state is PartitionState.RUNNING:
        assert arrows == set(PartitionState)
    else:
        assert not arrows


def test_from_every_state_that_has_not_ended_a_job_can_end() -> None:
    for state in ACTIVE:
        reached, frontier = {state}, {state}
        while frontier := {after for before in frontier for after in JOB_ARROWS[before]} - reached:
            reached |= frontier
        assert {JobState.COMPLETED, JobState.CANCELLED} <= reached
