"""In a definition's query each `$n` becomes the array of a key's column, and whatever only looks like one stays."""

import pytest

from backfill.inputs import with_arrays

FIRST, SECOND = "((SELECT $1::text::int8[])::int8[])", "((SELECT $2::text::text[])::text[])"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT id FROM t WHERE id = ANY($1)", f"SELECT id FROM t WHERE id = ANY({FIRST})"),
        ("… ANY($1::bigint[])", f"… ANY({FIRST}::bigint[])"),
        ("unnest($1, $2)", f"unnest({FIRST}, {SECOND})"),
        ("$1 + $1", f"{FIRST} + {FIRST}"),
        ("$10 $3 $0", "$10 $3 $0"),
        ("'$1' $1", f"'$1' {FIRST}"),
        ("'it''s $1' $1", f"'it''s $1' {FIRST}"),
        (r"'\' $1", rf"'\' {FIRST}"),
        (r"E'\' $1' $1", rf"E'\' $1' {FIRST}"),
        (r"e'\\' $1", rf"e'\\' {FIRST}"),
        ('"$1" $1', f'"$1" {FIRST}'),
        ("$$ $1 $$ $1", f"$$ $1 $$ {FIRST}"),
        ("$a$ $1 $$ $a$ $1", f"$a$ $1 $$ $a$ {FIRST}"),
        ("-- $1\n$1", f"-- $1\n{FIRST}"),
        ("/* $1 */ $1", f"/* $1 */ {FIRST}"),
        ("a$1 = $1", f"a$1 = {FIRST}"),
        ("x<$1", f"x<{FIRST}"),
    ],
)
def test_parameters_alone_are_replaced(query: str, expected: str) -> None:
    assert with_arrays(query, ["int8", "text"]) == expected
