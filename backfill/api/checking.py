"""Hold a definition against the database line by line, and try a sample of its records; nothing is kept."""

from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

import asyncpg

from backfill import computing, condition, needs, parameters, probing, rights, schema, scopes, texts
from backfill.api import finding_records, permits
from backfill.api.findings import Checked
from backfill.catalog import Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import BackfillError, SchemaError
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.partition_backfill import PartitionBackfill
from backfill.producers import keys, preparation
from backfill.producers.parts import Connection
from backfill.settings import Settings
from backfill.workers import trial

USUAL_SAMPLE: Final = 20
KEPT: Final = "rolled back, and with it what triggers did here; sequences, and what a trigger does elsewhere, are not"


async def check(
    settings: Settings,
    connection: Connection,
    definition: Definition,
    *,
    mode: Mode | None = None,
    sample: int | None = None,
) -> Checked:
    """What is right, and what is wrong with the next step. Without a `sample` 20 records of a plain function.

    A function that is async, and `fetch`, call the outside: they are tried where a sample is asked for.
    """
    if isinstance(definition, PartitionBackfill):
        checked = Checked(definition.name, f"keys of its own -> {', '.join(definition.writes)}")
        await _ledger(connection, checked)
        await _keys(settings, connection, definition, sample or 0, checked)
        return checked
    assert isinstance(definition, ColumnBackfill)  # noqa: S101 - there are these two
    into = ", ".join(definition.columns)
    checked = Checked(
        definition.name,
        f"{definition.table} ({', '.join(definition.key_columns)}) -> {into}",
        columns=definition.columns,
    )
    await _ledger(connection, checked)
    await _columns(settings, connection, definition, mode or definition.mode, sample, checked)
    return checked


async def _ledger(connection: Connection, checked: Checked) -> None:
    try:
        await schema.check(connection)
    except BackfillError as error:
        checked.refuse("ledger", str(error))
    else:
        checked.ok("ledger", f"schema version {await schema.version(connection)}")


def _said(definition: Definition, checked: Checked) -> None:
    """What needs no database."""
    found = parameters.stored(definition)
    checked.ok("parameters", parameters.shown(found) or "none")
    limit = definition.limit
    checked.ok("limit", "none" if limit is None else texts.one_line(limit))


# --- columns


async def _columns(
    settings: Settings,
    connection: Connection,
    definition: ColumnBackfill,
    mode: Mode,
    sample: int | None,
    checked: Checked,
) -> None:
    target = await _resolved(connection, definition, mode, checked)
    if target is None:
        return
    rows: int = await connection.fetchval(target.statement("estimate_rows"))
    _names(target, rows, checked)
    computes = computing.of(definition)
    where = f"{computes.place}, {'compute_many' if computes.is_many else 'compute'}"
    checked.ok("compute_in", f"{where}{', async' if computes.is_async else ''}")
    _said(definition, checked)
    if not await permits.of_columns(connection, target, checked):
        return
    async with target.session(connection):
        try:
            await probing.need_fit_queries(connection, target)
        except SchemaError as error:
            checked.refuse("queries", str(error))
            return
        checked.ok("queries", ", ".join(_queries(definition)) + ": PostgreSQL can read them")
        await finding_records.look(connection, target, rows, checked)
    if not await _counted(connection, definition, mode, checked):
        return
    if sample is None and computes.is_async:
        checked.ok("sample", "none: an async function calls the outside; --sample N tries it")
    elif sample != 0:
        await _sample(settings, connection, target, USUAL_SAMPLE if sample is None else sample, checked)


async def _resolved(connection: Connection, definition: ColumnBackfill, mode: Mode, checked: Checked) -> Target | None:
    targets, refusals = {}, {}
    for one in Mode:
        try:
            targets[one] = await resolve(connection, definition, one)
        except SchemaError as error:
            refusals[one] = str(error)
    if not targets:
        checked.refuse("table", refusals[Mode.ALL])
    elif mode in refusals:
        checked.refuse("modes", refusals[mode])
    else:
        but = "".join(f"; {one.value}: {text}" for one, text in refusals.items())
        checked.ok("modes", ", ".join(one.value for one in targets) + but)
        if mode is Mode.NULL and targets[mode].is_never_null:
            checked.warn(
                "modes",
                f"{definition.target_column} is NOT NULL, so that mode null selects nothing; use --mode=all, or zero",
            )
    return targets.get(mode)


def _names(target: Target, rows: int, checked: Checked) -> None:
    definition = target.definition
    checked.ok("table", f"{target.table}, about {rows:,} rows")
    for note in target.notes:
        checked.warn("table", note)
    key = ", ".join(f"{one.name} {one.full_type}" for one in target.key.columns)
    checked.ok("key", f"{key}, with a unique index")
    checked.ok("columns", ", ".join(f"{one.name} {one.full_type}" for one in target.columns))
    checked.ok("target", definition.target_column)
    checked.ok("version", ", ".join(definition.version) or "xmin, which every change of a row changes")


def _queries(definition: ColumnBackfill) -> list[str]:
    own = type(definition).load is not ColumnBackfill.load
    asked = {
        "load (your own, which the sample calls)": own,
        "inputs": bool(definition.inputs) and not own,
        "inputs_version": bool(definition.inputs_version),
        f"where {condition.shown(definition)}": bool(definition.where),
    }
    return [name for name, is_there in asked.items() if is_there]


async def _counted(connection: Connection, definition: ColumnBackfill, mode: Mode, checked: Checked) -> bool:
    """Count and warn as a dry run does."""
    try:
        prepared = await preparation.prepare(connection, definition, _request(mode, definition))
    except BackfillError as error:
        checked.refuse("records", str(error))
        return False
    known = await rights.worker_rights(connection, prepared.target.table, definition)
    for warning in prepared.warnings:
        if warning not in (*known, *prepared.target.notes):
            checked.warn("warnings", warning)
    about = "about " if prepared.is_estimate else ""
    comma = "," if mode is Mode.ALL else ""
    checked.ok("records", f"{about}{prepared.matched:,}{comma} {prepared.words}")
    return True


def _request(mode: Mode, definition: Definition) -> Request:
    return Request(mode, Priority.NORMAL, "asc", definition.batch_size, None, (), None, None)


async def _sample(settings: Settings, connection: Connection, target: Target, number: int, checked: Checked) -> None:
    try:
        ids = await _ids(connection, target, number)
        if not ids and target.mode is not Mode.ALL:
            checked.ok("sample", f"of all records, as mode {target.mode.value} selects none")
            target = replace(target, mode=Mode.ALL)
            ids = await _ids(connection, target, number)
        if not ids:
            checked.ok("sample", "there is no record to try")
            return
        async with target.session(connection):
            checked.records = await trial.records(settings, connection, target, ids)
    except BackfillError as error:
        checked.refuse("sample", str(error))
    except TimeoutError:
        checked.warn("sample", f"not loaded and computed within {trial.SECONDS:g} s; try fewer with --sample")
    except asyncpg.PostgresError as error:
        if connection.is_closed():
            raise
        checked.refuse("sample", texts.in_a_line(error))
    else:
        _told(checked)


async def _ids(connection: Connection, target: Target, number: int) -> list[str]:
    """Records from both ends of the keys: the oldest and the newest are often of different kinds."""
    found: dict[str, None] = {}
    async with target.session(connection):
        for order, many in (("asc", number - number // 2), ("desc", number // 2)):
            statement = target.statement("read_selected_first", key_order=target.names[f"order_{order}"])
            with condition.answering(target.definition):
                rows = await connection.fetch(statement, many, timeout=trial.SECONDS)
            found |= dict.fromkeys(row["id"] for row in (rows if order == "asc" else reversed(rows)))
    return list(found)


def _told(checked: Checked) -> None:
    counts = ", ".join(f"{number:,} {outcome}" for outcome, number in checked.counts.items())
    say = checked.warn if checked.failures else checked.ok
    say("sample", f"{len(checked.records):,} tried: {counts}; {KEPT}")


# --- keys


async def _keys(
    settings: Settings, connection: Connection, definition: PartitionBackfill, sample: int, checked: Checked
) -> None:
    try:
        await needs.need_tables(connection, definition)
    except SchemaError as error:
        checked.refuse("writes", str(error))
        return
    checked.ok("writes", ", ".join(definition.writes))
    _said(definition, checked)
    may_write = await permits.of_tables(connection, definition, checked)
    try:
        scope = {name: "everything" if ends == [None, None] else ends for name, ends in scopes.of(definition).items()}
        shown = ", ".join(f"{name}: {_ends(ends)}" for name, ends in scope.items())
        checked.ok("scope", shown or "none: one job at a time")
        prepared = await keys.prepare(connection, definition, _request(Mode.ALL, definition))
    except BackfillError as error:
        checked.refuse("keys", str(error))
        return
    for warning in prepared.warnings:
        checked.warn("warnings", warning)
    about = "at least " if prepared.is_estimate else ""
    span = f", from {prepared.first} to {prepared.upper_key}" if prepared.matched else ""
    checked.ok("keys", f"{about}{prepared.matched:,}{span}")
    if not sample:
        checked.ok("sample", "none: fetch calls the outside; --sample N tries it")
        return
    if not may_write:
        checked.ok("sample", "none: this role may not write; try it with the role of a worker")
        return
    await _tried(settings, connection, definition, sample, checked)


def _ends(ends: Any) -> str:
    return ends if isinstance(ends, str) else f"{ends[0]} to {ends[1]}" if ends[0] != ends[1] else f"{ends[0]}"


async def _tried(
    settings: Settings, connection: Connection, definition: PartitionBackfill, sample: int, checked: Checked
) -> None:
    given: list[str] = []
    try:
        async with aclosing(keys.named(definition, connection, None)) as named:
            async for key in named:
                given.append(key)
                if len(given) == sample:
                    break
        if not given:
            checked.ok("sample", "there is no key to try")
            return
        checked.records = await trial.keys(settings, connection, definition, given)
    except BackfillError as error:
        checked.refuse("sample", str(error))
    else:
        _told(checked)
