"""A key's case: a table keyed by one type, or by several, in which every record is to be written once."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from tests.worlds.arena import Arena, Verdict, definition
from tests.worlds.model import NO_INDEX, Type


async def judge_key(arena: Arena, types: Sequence[Type], **request: Any) -> tuple[Verdict, list[str]]:
    """The verdict, and what is wrong: records without their value, or failed without a reason of ours.

    Run inside the arena's schema.
    """
    for one in types:
        await arena.execute(*one.setup)
    names = [f"k{number}" for number in range(len(types))]
    columns = ", ".join(f"{name} {one.name} {one.extra}" for name, one in zip(names, types, strict=True))
    body = f"(n int, v text, {columns}, PRIMARY KEY ({', '.join(names)}))"
    try:
        await arena.execute(f"CREATE TABLE w.t {body}")
    except asyncpg.UndefinedObjectError:
        return Verdict(refusal=NO_INDEX), []
    literals = [one.key_literals + one.lost_keys or ("NULL",) for one in types]
    most = max(map(len, literals))
    keys = dict.fromkeys(
        tuple(of[n % len(of)] for of in literals) for n in range(most if len(types) == 1 else 2 * most)
    )
    if literals != [("NULL",)]:
        rows = (f"INSERT INTO w.t VALUES ({n}, NULL, {', '.join(key)})" for n, key in enumerate(keys))
        await arena.execute("; ".join(rows))
    compared = [one.compared.format(f"t.{name}") for name, one in zip(names, types, strict=True)]
    parameters = " AND ".join(f"{column} = i.{name}" for name, column in zip(names, compared, strict=True))
    arrays = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    inputs = f"SELECT t.* FROM unnest({arrays}) AS i ({', '.join(names)}) JOIN w.t t ON {parameters}"
    key = names[0] if len(names) == 1 else tuple(names)
    made = definition("w.t", key, ("v",), inputs, lambda record: {"v": f"value {record['n']}"})
    verdict = await arena.judge(made, rows=len(keys), **request)
    if verdict.refusal:
        return verdict, []
    lost = [", ".join(key) for key in keys if set(key) & {one for of in types for one in of.lost_keys}]
    texts = f"{names[0]}::text" if len(names) == 1 else f"ARRAY[{', '.join(f'{name}::text' for name in names)}]::text"
    left = await arena.connection.fetch(f"""
        SELECT n, {texts} AS id FROM w.t WHERE v IS DISTINCT FROM 'value ' || n""")
    wrong = [f"{row['id']} was not written" for row in left if row["id"] not in verdict.failed]
    if len(verdict.failed) != len(lost):
        wrong.append(f"failed: {verdict.failed}; to fail: {lost}")
    return verdict, wrong
