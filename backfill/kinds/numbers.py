"""Numbers: never NaN, never infinite, never a bool."""

import math
import numbers
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from backfill.kinds.kind import Kind, Write

INTEGER_BOUNDS: Final = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
NUMERIC: Final = frozenset({*INTEGER_BOUNDS, "numeric", "float4", "float8"})
FLOAT4_MAX: Final = 3.4028235677973366e38  # beyond it rounding gives infinity


def is_integer(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _integer(low: int, high: int) -> Write:
    def write(value: Any) -> str:
        if not is_integer(value):
            raise TypeError
        if not low <= value <= high:
            raise ValueError("out of range")
        return str(int(value))

    return write


def _quick_integer(low: int, high: int) -> Callable[[list[Any]], list[str] | None]:
    def quick(values: list[Any]) -> list[str] | None:
        if set(map(type, values)) == {int} and low <= min(values) and max(values) <= high:
            return list(map(str, values))
        return None

    return quick


def finite(most: float) -> Write:
    def write(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError
        try:
            number = float(value)
        except OverflowError:
            raise ValueError("out of range") from None
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        if abs(number) > most:
            raise ValueError("out of range")
        return repr(number)

    return write


def _quick_float(most: float) -> Callable[[list[Any]], list[str] | None]:
    def quick(values: list[Any]) -> list[str] | None:
        # Neither NaN nor infinity passes the bounds.
        if set(map(type, values)) == {float} and all(-most <= value <= most for value in values):
            return list(map(repr, values))
        return None

    return quick


def _numeric(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a finite number")
        return str(value)
    if is_integer(value):
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, float):
        raise TypeError
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return repr(float(value))


def _quick_numeric(values: list[Any]) -> list[str] | None:
    if set(map(type, values)) == {Decimal} and all(map(Decimal.is_finite, values)):
        return list(map(str, values))
    return None


def _integers(name: str, low: int, high: int) -> Kind:
    return Kind(name, "an int", _integer(low, high), _quick_integer(low, high), int)


_NUMBER: Final = "an int, a Decimal or a float"
KINDS: Final = (
    *(_integers(name, -bound, bound - 1) for name, bound in INTEGER_BOUNDS.items()),
    Kind("oid", "an int", _integer(0, 2**32 - 1), _quick_integer(0, 2**32 - 1)),
    Kind("numeric", _NUMBER, _numeric, _quick_numeric),
    Kind("float4", "a float or an int", finite(FLOAT4_MAX), _quick_float(FLOAT4_MAX)),
    Kind("float8", "a float or an int", finite(math.inf), _quick_float(1.7976931348623157e308)),
)
