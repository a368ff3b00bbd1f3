"""What a definition's function returned or raised for one record, and what that means."""

import asyncio
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeVar

from backfill import texts
from backfill.definition import Skip
from backfill.errors import HeldError, TransientError
from backfill.workers.computing.outages import is_outage
from backfill.workers.computing.outcomes import Outcomes

NOTHING: Final = object()  # was returned
DEEPEST: Final = 20  # of groups within groups

Error = TypeVar("Error", bound=BaseException)


class Judge:
    """Files what became of records; `names` are the columns that a result has to have."""

    def __init__(self, names: Sequence[str], outcomes: Outcomes, *, with_outages: bool = False) -> None:
        self._names = names
        self._take = itemgetter(*names)
        self._outcomes = outcomes
        self._with_outages = with_outages  # a service that does not answer may answer later

    def result(self, place: int, row: Mapping[str, Any], result: Any, called: str = "compute") -> None:
        """What the function has given for the record."""
        if isinstance(result, Skip):
            self._outcomes.skipped[place] = str.__str__(result)
            return
        try:
            found = self._take(result)
        except BaseException as error:  # whatever a mapping of the user's own may raise
            self._outcomes.failed[place] = why(error, row, result, self._names, called)
        else:
            self._outcomes.values[place] = found if len(self._names) > 1 else (found,)

    def results(
        self, places: Sequence[int], rows: Sequence[Mapping[str, Any]], results: Sequence[Any]
    ) -> HeldError | None:
        """What compute_many has given: one of its results may be an exception, which is that record's.

        Returns one that asks to leave a service alone.
        """
        refused = None
        for place, result in zip(places, results, strict=True):
            if not isinstance(result, BaseException):
                self.result(place, rows[place], result, "compute_many")
            elif (held := within(result, HeldError)) is not None:
                refused = held
                self.hold(held)
            else:
                self.error(place, rows[place], result)
        return refused

    def error(self, place: int, row: Mapping[str, Any], error: BaseException) -> None:
        """What the function has raised for the record."""
        if self.may_pass(error):
            self._outcomes.again[place] = texts.why(error)
        else:
            self._outcomes.failed[place] = why(error, row, NOTHING, self._names)

    def may_pass(self, error: BaseException) -> bool:
        return may_pass(error, with_outages=self._with_outages)

    def hold(self, error: HeldError) -> None:
        self._outcomes.held = texts.clean(error.reason), error.seconds


def may_pass(error: BaseException, *, with_outages: bool = True) -> bool:
    """Whether the same may succeed later."""
    return within(error, TransientError) is not None or (with_outages and is_outage(error))


def counted(found: Any, number: int) -> Sequence[Any]:
    """What compute_many returned, once it is clear that it has a result for each record."""
    if asyncio.iscoroutine(found):
        found.close()
        raise TypeError("compute_many returned a coroutine; declare it with: async def compute_many")
    if not isinstance(found, Sequence) or isinstance(found, str | bytes):
        said = "None" if found is None else type(found).__name__
        raise TypeError(f"compute_many returned {said}, not a list with a result for each record")
    if len(found) != number:
        raise ValueError(f"compute_many returned {len(found):,} results for {number:,} records")
    return found


def within(error: BaseException, kind: type[Error], depth: int = DEEPEST) -> Error | None:
    """The error, or the one of its kind in a group, as task groups raise them."""
    if isinstance(error, kind):
        return error
    if isinstance(error, BaseExceptionGroup) and depth:
        found = (within(one, kind, depth - 1) for one in error.exceptions)
        return next((one for one in found if one is not None), None)
    return None


def why(
    error: BaseException, row: Mapping[str, Any], result: object, names: Sequence[str], called: str = "compute"
) -> tuple[str, str]:
    """What went wrong, in words of the definition's author."""
    if result is NOTHING:
        if isinstance(error, KeyError):
            known = ", ".join(map(texts.clean, row.keys()))
            return "KeyError", f"nothing is found under {texts.clean(error, 200)}; the inputs have {known}"
        return texts.why(error)
    if asyncio.iscoroutine(result):
        result.close()
        return "TypeError", f"{called} returned a coroutine; declare it with: async def {called}"
    if isinstance(result, Mapping):
        missing = error.args[0] if isinstance(error, KeyError) and error.args else error
        return texts.why(error)[0], f"{called} returned no {texts.clean(missing, 200)}, which is one of `columns`"
    said = "None" if result is None else type(result).__name__
    return "TypeError", f"{called} returned {said}, not a mapping with {', '.join(names)}, nor a Skip"
