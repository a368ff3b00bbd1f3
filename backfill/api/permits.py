"""Which roles may do what a definition needs: this session's, and those that `backfill init --roles` makes."""

from collections.abc import Sequence
from typing import Any, Final

from backfill import condition, statements
from backfill.api.findings import Checked
from backfill.catalog import Target
from backfill.database import Connection
from backfill.definition import Definition
from backfill.partition_backfill import PartitionBackfill

WORKER: Final = "backfill_worker"
WRITING: Final = ("INSERT", "UPDATE", "DELETE")
GRANT: Final = "run: backfill init --roles --app …"


async def of_columns(connection: Connection, target: Target, checked: Checked) -> bool:
    """The table's columns: planning reads some, workers write some; returns whether this session may read them."""
    definition = target.definition
    read = (
        *definition.key_columns,
        definition.target_column,
        *definition.columns,
        *definition.version,
        *condition.columns(definition),
    )
    roles = await _roles(connection, target.table, read, definition.columns)
    own = next(one for one in roles if one["is_own"])
    has_writer = any(one["role"] == WORKER and not one["unwritable"] for one in roles)
    for one in roles:
        lacking = _list(one["unreadable"], "read") or _list(one["unwritable"], "update")
        if not one["may_enter"]:
            lacking = "use its schema"
        if not lacking:
            checked.ok("rights", f"the role {one['role']} may read and update what it needs")
        elif one["role"] == "backfill_operator" and not one["unreadable"] and one["may_enter"]:
            checked.ok("rights", "the role backfill_operator may plan")
        elif one is not own:
            checked.warn("rights", f"the role {one['role']} may not {lacking} of {definition.table}; {GRANT}")
        elif one["unreadable"] or not has_writer:
            grant = f"{GRANT}, or GRANT it"
            checked.refuse("rights", f"the role {one['role']} may not {lacking} of {definition.table}; {grant}")
        else:
            checked.warn(
                "rights", f"the role {one['role']} may plan and not {lacking}; give workers a role that has {WORKER}"
            )
    _policies(target, roles, checked)
    await _reads(connection, definition, checked)
    return own["may_enter"] and not own["unreadable"]


def _policies(target: Target, roles: list[Any], checked: Checked) -> None:
    bound = [one["role"] for one in roles if one["is_filtered"]]
    names = ", ".join(target.definition.settings) or "none"
    if not bound:
        checked.ok("policies", "row-level security hides nothing")
    elif target.definition.settings:
        checked.ok("policies", f"row-level security binds {', '.join(bound)}; settings: {names}")
    else:
        checked.warn(
            "policies",
            f"row-level security of {target.definition.table} binds {', '.join(bound)}: name in settings what the "
            "policy reads, or give them BYPASSRLS",
        )


async def of_tables(connection: Connection, definition: PartitionBackfill, checked: Checked) -> bool:
    """The tables of `writes`; returns whether this session may write to all of them."""
    may_write = True
    for name in definition.writes:
        roles = await _roles(connection, name, (), ())
        has_writer = any(one["role"] == WORKER and one["may_enter"] and not _lacks(one) for one in roles)
        for one in roles:
            lacks = _lacks(one)
            is_shut = not one["may_enter"] or len(lacks) == len(WRITING)
            may_write = may_write and not (one["is_own"] and is_shut)
            if one["role"] == "backfill_operator" and not one["is_own"]:
                continue
            if one["may_enter"] and not lacks:
                checked.ok("rights", f"the role {one['role']} may write {name}")
            elif one["is_own"] and is_shut and has_writer:
                checked.warn(
                    "rights",
                    f"the role {one['role']} may plan and not write {name}; give workers a role that has {WORKER}",
                )
            elif one["is_own"] and is_shut:
                checked.refuse("rights", f"the role {one['role']} may not write {name}; {GRANT}, or GRANT it")
            else:
                checked.warn("rights", f"the role {one['role']} may not {', '.join(lacks)} {name}; {GRANT}")
    await _reads(connection, definition, checked)
    return may_write


def _lacks(role: Any) -> list[str]:
    return [right for right in WRITING if right not in (role["may_write"] or ())]


async def _reads(connection: Connection, definition: Definition, checked: Checked) -> None:
    for name in definition.reads:
        roles = await _roles(connection, name, (), ())
        if not roles:
            checked.warn("reads", f"{name} is no table here; create it, or correct `reads`")
        for one in roles:
            if not (one["may_enter"] and one["may_read"]):
                checked.warn("reads", f"the role {one['role']} may not read {name}; {GRANT}")
        if roles and all(one["may_enter"] and one["may_read"] for one in roles):
            checked.ok("reads", f"{name} may be read")


async def _roles(connection: Connection, table: str, read: Sequence[str], written: Sequence[str]) -> list[Any]:
    found = await connection.fetch(
        statements.read("catalog/read_rights"), table, list(dict.fromkeys(read)), list(written)
    )
    return list(found)


def _list(names: list[str] | None, verb: str) -> str:
    return f"{verb} {', '.join(names)}" if names else ""
