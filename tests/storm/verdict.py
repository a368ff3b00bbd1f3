"""The checks after a storm, and everything that they find."""

from collections.abc import Callable, Iterator

from tests.storm.checks import calls, effects, ledger
from tests.storm.facts import Facts
from tests.storm.storm import Storm

Check = Callable[[Storm, Facts], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    ledger.the_ledger_adds_up,
    effects.the_audit_agrees,
    effects.no_effect_comes_twice,
    effects.no_value_is_of_older_input,
    effects.only_what_is_selected_is_written,
    effects.only_who_holds_a_partition_writes_it,
    ledger.nothing_starts_while_it_may_not,
    ledger.states_follow_the_arrows,
    effects.nothing_is_lost,
    ledger.only_bad_records_fail,
    ledger.dead_messages_are_known,
    calls.calls_are_within_the_limit,
    calls.the_ledger_counts_no_call_twice,
)


def judge(storm: Storm, facts: Facts) -> list[str]:
    """Everything that is wrong, each under the check that found it."""
    found = [f"{check.__name__}: {fault}" for check in CHECKS for fault in check(storm, facts)]
    passwords = [url.split("@")[0].rpartition(":")[2] for url in (storm.place.database_url, storm.place.amqp_url)]
    faults = [*storm.faults, *storm.fleet.faults([one for one in passwords if len(one) >= 8])]
    return [*found, *(f"processes: {fault}" for fault in faults)]
