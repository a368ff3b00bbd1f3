"""What may stand in `requires`, and what is refused in one line."""

from datetime import timedelta
from typing import Any

import pytest

from backfill import Required, contract
from backfill.errors import UsageError
from backfill.required import need_no_cycle, of
from tests.support.definitions import Counter


def requiring(*names: Any, name: str = "counter") -> Counter:
    made: Counter = type("Requiring", (Counter,), {"requires": names, "name": name})()
    return made


def test_names_and_required_may_stand_beside_each_other() -> None:
    definition = requiring("one", Required("two", timedelta(hours=1)))
    contract.need_whole(definition)
    assert [(one.name, one.seconds) for one in of(definition)] == [("one", None), ("two", 3600.0)]
    assert of(Counter()) == ()


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        ("prices", "write ('prices',)"),
        (Required("prices"), "write (Required('prices', …),)"),
        ((1,), "must be a tuple of names"),
        (None, "must be a tuple of names"),
        (("",), "names ''"),
        ((Required(3),), "names 3"),  # type: ignore[arg-type]
        (("a", Required("a")), "twice"),
        ((Required("a", timedelta()),), "give a timedelta"),
        ((Required("a", 3),), "is 3; give a timedelta"),  # type: ignore[arg-type]
    ],
)
def test_what_nothing_can_be_required_by_is_refused(requires: Any, why: str) -> None:
    definition = type("Requiring", (Counter,), {"requires": requires})()
    with pytest.raises(UsageError, match=r"^Requiring\.requires") as caught:
        contract.need_whole(definition)
    assert why in str(caught.value)


def test_a_circle_is_named_from_where_it_begins() -> None:
    app = {name: requiring(*names, name=name) for name, names in {"a": ["b"], "b": ["c"], "c": ["b", "x"]}.items()}
    with pytest.raises(UsageError, match=r"^b requires c requires b: none"):
        need_no_cycle(app)
    with pytest.raises(UsageError, match=r"^a requires a: none"):
        need_no_cycle({"a": requiring("a", name="a")})
    need_no_cycle(
        {name: requiring(*names, name=name) for name, names in {"a": ["b", "c"], "b": ["c"], "c": []}.items()}
    )
