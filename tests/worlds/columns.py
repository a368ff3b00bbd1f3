"""A column's case: each value written alone and in arrays, stored ones read and written back, bad ones among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.worlds.arena import Arena, Verdict, definition
from tests.worlds.model import Type

ECHO = object()  # what was read is written back


@dataclass
class Rows:
    """Records by id: what Python gives for `v` and `a`, what is there before, and what plain SQL would have stored."""

    given: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    before: dict[int, tuple[str, str]] = field(default_factory=dict)
    after: dict[int, tuple[str, str]] = field(default_factory=dict)
    bad: dict[str, Any] = field(default_factory=dict)

    def add(self, given: Any, before: tuple[str, str], after: tuple[str, str] | None) -> None:
        """`after` is None for a record that must fail, alone."""
        number = len(self.given) + 1
        self.given[number], self.before[number], self.after[number] = given, before, after or before
        if after is None:
            self.bad[str(number)] = given


NOTHING = ("NULL", "NULL")


def rows_of(one: Type) -> Rows:
    rows = Rows()
    bad, stored = list(one.bad), list(one.stored)

    def array(*literals: str) -> str:
        return f"ARRAY[{', '.join(literals)}]::{one.name}[]" if one.has_array else "NULL"

    def listed(*values: Any) -> Any:
        return list(values) if one.has_array else None

    for value, literal in one.good:
        rows.add((value, listed(value, None)), NOTHING, (literal, array(literal, "NULL")))
        same = literal, array(literal, literal)
        rows.add((ECHO, ECHO), same, same)
        rows.add((value, listed(value, value)), same, same)
        for wrong in (bad.pop() for _ in range(min(2, len(bad)))):
            rows.add((wrong, None), NOTHING, None)
            if one.has_array:
                rows.add((None, [value, wrong]), NOTHING, None)
    for wrong in bad:
        rows.add((wrong, listed(one.good[0][0])), NOTHING, None)
    for literal, after in stored:
        rows.add((ECHO, None), (literal, "NULL"), (after, "NULL") if after else None)
        if one.has_array:
            rows.add((None, ECHO), ("NULL", array(literal)), ("NULL", array(after)) if after else None)
    rows.add((None, None), (one.good[0][1], array(one.good[0][1])), NOTHING)
    if one.has_array:
        value, literal = one.good[0]
        rows.add((None, []), NOTHING, ("NULL", array()))
        rows.add((None, [None, None]), NOTHING, ("NULL", array("NULL", "NULL")))
        rows.add((None, "x"), NOTHING, None)
        rows.add((None, value if not isinstance(value, list) else 1), NOTHING, None)
        if one.nests:
            two = f"ARRAY[ARRAY[{literal}, NULL], ARRAY[NULL, {literal}]]::{one.name}[]"
            rows.add((None, [[value, None], [None, value]]), NOTHING, ("NULL", two))
            rows.add((ECHO, ECHO), (literal, two), (literal, two))
            rows.add((None, [[value], [value, value]]), NOTHING, None)
            rows.add((None, [value, [value]]), NOTHING, None)
    return rows


async def judge_column(arena: Arena, one: Type) -> tuple[Verdict, set[str], list[Any]]:
    """The verdict, the classes of what Python has read, and the records that hold something else than plain SQL stores.

    Run inside the arena's schema.
    """
    await arena.execute(*one.setup)
    array_type = f"{one.name}[]" if one.has_array else "int"
    body = f"(id int PRIMARY KEY, v {one.name} {one.extra}, a {array_type})"
    await arena.execute(f"CREATE TABLE w.t {body}", f"CREATE TABLE w.expected {body}")
    if one.no_column:
        compute: Any = lambda record: {"v": None}  # noqa: E731
        made = definition("w.t", "id", ("v",), "SELECT id FROM w.t WHERE id = ANY($1)", compute)
        await arena.execute("INSERT INTO w.t (id) VALUES (1)")
        return await arena.judge(made, rows=1), set(), []
    rows = rows_of(one)
    for table, content in (("t", rows.before), ("expected", rows.after)):
        # One statement a row: in a list of rows PostgreSQL would give all literals one type first.
        rows_sql = (f"INSERT INTO w.{table} VALUES ({number}, {v}, {a})" for number, (v, a) in content.items())
        await arena.execute("; ".join(rows_sql))
    seen: set[str] = set()

    def work(record: Mapping[str, Any]) -> Mapping[str, Any]:
        value, array = rows.given[record["id"]]
        if value is ECHO and record["v"] is not None:
            seen.add(type(record["v"]).__name__)
        return {"v": record["v"] if value is ECHO else value, "a": record["a"] if array is ECHO else array}

    columns = ("v", "a") if one.has_array else ("v",)
    made = definition("w.t", "id", columns, "SELECT id, v, a FROM w.t WHERE id = ANY($1)", work)
    verdict = await arena.judge(made, rows=len(rows.given))
    differing = await arena.connection.fetch("""
        SELECT id, ROW(t.v, t.a)::text AS found, ROW(e.v, e.a)::text AS expected FROM w.t t JOIN w.expected e USING (id)
        WHERE ROW(t.v, t.a)::text COLLATE "C" <> ROW(e.v, e.a)::text COLLATE "C" ORDER BY id""")
    wrong: list[Any] = [(row["id"], rows.given[row["id"]], row["found"], row["expected"]) for row in differing]
    wrong += [
        (f"{number} was not refused", given) for number, given in rows.bad.items() if number not in verdict.failed
    ]
    wrong += [
        (message, rows.given[int(number)]) for number, message in verdict.failed.items() if number not in rows.bad
    ]
    good = [number for number in rows.given if str(number) not in rows.bad]
    expected = sum(rows.before[number] == rows.after[number] for number in good)
    found = verdict.counts.get("unchanged")
    if not verdict.refusal and found != expected:
        wrong.append((f"{expected} of {len(good)} are what they were, and not {found}", verdict.counts))
    return verdict, seen, wrong
