"""Examples of numbers."""

import math
from decimal import Decimal
from typing import Any

from tests.worlds.model import Type

NO_NUMBERS: tuple[Any, ...] = ("1", True, b"1", [1], {}, object(), complex(1))
NO_FINITE_FLOATS = (math.nan, math.inf, -math.inf)
NO_FINITE_DECIMALS = (Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity"))


def integer(name: str, bound: int) -> Type:
    values = (0, 1, -1, 7, bound - 1, -bound)
    bad = (bound, -bound - 1, 10**30, 1.0, Decimal(1), math.nan, *NO_NUMBERS)
    return Type(name, "int", tuple((value, str(value)) for value in values), bad)


NUMBERS = [
    integer("smallint", 2**15),
    integer("integer", 2**31),
    integer("bigint", 2**63),
    Type("oid", "int", ((0, "0"), (7, "7"), (2**32 - 1, "4294967295")), (-1, 2**32, 1.0, *NO_NUMBERS)),
    Type(
        "numeric",
        "Decimal",
        (
            (Decimal("1.50"), "1.50"),
            (Decimal("-0.000000000000000000000000000001"), "-0.000000000000000000000000000001"),
            (Decimal("1E+40"), "1E+40"),
            (Decimal("-0"), "0"),
            (10**60, "1" + "0" * 60),
            (0.1, "0.1"),
            (1e300, "1e300"),
            (-7, "-7"),
        ),
        (*NO_FINITE_FLOATS, *NO_FINITE_DECIMALS, Decimal("1E+200000"), *NO_NUMBERS),
        (("'NaN'", None), ("'Infinity'", None), ("'-Infinity'", None)),
        ("'NaN'", "'Infinity'", "'-Infinity'", "0", "1.0", "1.01", "-1E-40", "1E+60", "1E+1000"),
    ),
    Type(
        "numeric(10,2)",
        "Decimal",
        (
            (Decimal("1.50"), "1.50"),
            (Decimal("99999999.99"), "99999999.99"),
            (Decimal("-99999999.994"), "-99999999.994"),
            (Decimal("1.005"), "1.005"),
            (1.005, "1.005"),
            (3, "3"),
        ),
        (Decimal("99999999.995"), 10**8, 1e8, *NO_FINITE_FLOATS, *NO_FINITE_DECIMALS, *NO_NUMBERS),
        (("'NaN'", None),),
        ("'NaN'", "0", "1.5", "1.51", "-99999999.99"),
    ),
    Type("numeric(3,-2)", "Decimal", ((12345, "12345"), (Decimal("-149.9"), "-149.9")), (10**5, *NO_NUMBERS)),
    Type(
        "real",
        "float",
        (
            (1.5, "1.5"),
            (-0.0, "'-0'"),
            (0.1, "0.1"),
            (3.4028234663852886e38, "'3.4028235e38'"),
            (1e-45, "'1e-45'"),
            (16_777_217, "16777217"),
        ),
        (*NO_FINITE_FLOATS, 3.5e38, -3.5e38, 1e-50, 10**400, Decimal(1), *NO_NUMBERS),
        (("'NaN'", None), ("'Infinity'", None)),
        ("'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "'3.4028235e38'", "'1e-45'", "16777217"),
    ),
    Type(
        "double precision",
        "float",
        (
            (1.5, "1.5"),
            (-0.0, "'-0'"),
            (0.1, "0.1"),
            (1.7976931348623157e308, "'1.7976931348623157e308'"),
            (5e-324, "'5e-324'"),
            (2**53 + 1, "9007199254740993"),
        ),
        (*NO_FINITE_FLOATS, 10**400, Decimal(1), *NO_NUMBERS),
        (("'NaN'", None), ("'-Infinity'", None)),
        ("'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "0.30000000000000004", "'5e-324'"),
    ),
    Type("boolean", "bool", ((True, "true"), (False, "false")), (1, 0, "true", "t", b"t", object())),
]
