"""The rights of the ledger's roles as the catalog has them, and their tables in docs/security.md.

`python -m tests.support.matrix` writes them between their markers, from the database of DATABASE_URL after
`backfill init --roles`; a test fails while they are out of date.
"""

import asyncio
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import asyncpg

PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
ROLES: Final = (
    *("backfill_owner", "backfill_operator", "backfill_worker", "backfill_reader", "backfill_server"),
    "public",
)
TABLES: Final = """
    SELECT c.relname::text AS name, coalesce(g.rolname, 'public')::text AS role, acl.privilege_type::text AS right,
           NULL::text AS column, acl.is_grantable AS passes_on
    FROM pg_class c CROSS JOIN aclexplode(c.relacl) acl LEFT JOIN pg_roles g ON g.oid = acl.grantee
    WHERE c.relname LIKE 'backfill\\_%' AND c.relkind IN ('r', 'S') AND acl.grantee <> c.relowner
    UNION ALL
    SELECT c.relname, coalesce(g.rolname, 'public'), acl.privilege_type, a.attname, acl.is_grantable
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid CROSS JOIN aclexplode(a.attacl) acl
        LEFT JOIN pg_roles g ON g.oid = acl.grantee
    WHERE c.relname LIKE 'backfill\\_%' AND NOT a.attisdropped
"""
NAMES: Final = (
    "SELECT relname::text FROM pg_class WHERE relname LIKE 'backfill\\_%' AND relkind IN ('r', 'S') ORDER BY 1"
)
FUNCTIONS: Final = """
    SELECT p.oid::regprocedure::text, coalesce(g.rolname, 'public'), acl.privilege_type, NULL, acl.is_grantable
    FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
        LEFT JOIN pg_roles g ON g.oid = acl.grantee
    WHERE p.proname LIKE 'backfill\\_%' AND p.prorettype <> 'trigger'::regtype AND acl.grantee <> p.proowner
"""


async def read(connection: "asyncpg.Connection[Any]") -> str:
    """What each role may do with each table, sequence and function of the ledger: Markdown."""
    whole: dict[tuple[str, str], set[str]] = defaultdict(set)
    parts: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in await connection.fetch(f"{TABLES} UNION ALL {FUNCTIONS}"):
        right = row["right"].lower() + (" and pass it on" if row["passes_on"] else "")
        if row["column"] is None:
            whole[row["name"], row["role"]].add(right)
        else:
            parts[row["name"], row["role"], right].add(row["column"])
    names = [row[0] for row in await connection.fetch(NAMES)]
    functions = sorted({name for name, _ in whole} - {*names})
    roles = [*ROLES, *sorted({role for _, role in whole} - {*ROLES})]
    lines = [f"| | {' | '.join(f'`{role}`' for role in roles)} |", "|---" * (len(roles) + 1) + "|"]
    for name in [*names, *functions]:
        cells = []
        for role in roles:
            some = {right for one, who, right in parts if (one, who) == (name, role)}
            cells.append(
                ", ".join(sorted(whole[name, role] | {f"{right} of some" for right in some - whole[name, role]}))
            )
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    lines.append("")
    for (name, role, right), columns in sorted(parts.items()):
        lines.append(f"- `{role}`, {right} of `{name}`: {', '.join(f'`{column}`' for column in sorted(columns))}")
    return "\n".join(lines)


def updated(page: str, rights: str) -> str:
    """The page with these rights between its markers."""
    block = re.compile(r"(<!-- rights -->\n).*?(<!-- /rights -->)", re.DOTALL)
    page, found = block.subn(lambda match: f"{match[1]}{rights}\n{match[2]}", page)
    assert found == 1, f"{PAGE.name} needs one <!-- rights --> … <!-- /rights -->"
    return page


async def _write() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"], timeout=10)
    try:
        PAGE.write_text(updated(PAGE.read_text(), await read(connection)))
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(_write())
