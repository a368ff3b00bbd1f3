"""What a process that computes does with an order: here in this one."""

from dataclasses import replace
from time import monotonic

import pytest

from backfill.workers.computing import child
from backfill.workers.computing.child import Refusal, ordered
from backfill.workers.computing.outcomes import Outcomes
from tests.support.computing import rows
from tests.support.ways import InProcesses, ScaledInProcesses

ORDER = ordered(InProcesses(), ["value"])


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_known", {})
    monkeypatch.setattr(child, "_progress", [0.0, 0.0, 0.0])


def test_it_imports_the_definition_by_its_name_and_computes() -> None:
    assert child.work(ORDER, rows(3), monotonic() + 60) == Outcomes(values={0: (0,), 1: (2,), 2: (4,)})
    assert child._progress[2] == 0


def test_it_has_the_parameters_of_the_job() -> None:
    definition = ScaledInProcesses().with_parameters(ScaledInProcesses.Parameters(factor=7))
    order = ordered(definition, ["value"])
    assert child.work(order, rows(2), monotonic() + 60) == Outcomes(values={0: (0,), 1: (7,)})


def test_time_that_is_over_leaves_the_rest() -> None:
    assert child.work(ORDER, rows(3), monotonic() - 1) == Outcomes()


def test_code_that_has_changed_since_the_worker_began_computes_nothing() -> None:
    refusal = child.work(replace(ORDER, fingerprint="2-another"), rows(3), monotonic() + 60)
    assert isinstance(refusal, Refusal)
    assert refusal.is_former
    assert "the files of tests.support.ways:InProcesses have changed since this one was started" in refusal.text


def test_what_cannot_be_imported_is_said() -> None:
    refusal = child.work(replace(ORDER, module="no.such"), rows(3), monotonic() + 60)
    assert refusal == Refusal(
        "a process that computes cannot import no.such:InProcesses (ModuleNotFoundError: No module named 'no')",
        is_former=False,
    )
    assert not child._known
