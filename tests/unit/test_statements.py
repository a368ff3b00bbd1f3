"""Every statement is used, and every name that is used is a statement."""

import ast
import re
from pathlib import Path

import pytest

from backfill import statements
from backfill.states import OUTCOMES

ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(str(path.relative_to(statements.FOLDER).with_suffix("")) for path in statements.FOLDER.rglob("*.sql"))
CONSTANTS = {
    node.value
    for folder in ("backfill", "producers", "workers", "services", "examples")
    for path in (ROOT / folder).rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


@pytest.mark.parametrize("name", [name for name in NAMES if not re.match(r"progress/|functions/|schema/\d", name)])
def test_a_statement_is_used(name: str) -> None:
    folder, _, noun = name.partition("/")
    assert name in CONSTANTS or (folder == "target" and noun in CONSTANTS)


@pytest.mark.parametrize("folder", sorted((ROOT / "sql" / "ledger").iterdir()), ids=lambda folder: folder.name)
def test_the_folders_of_the_ledger_are_its_modules(folder: Path) -> None:
    place = ROOT / "backfill" / "ledger" / folder.name
    modules = [ast.parse(path.read_text()) for path in (*place.glob("*.py"), place.with_suffix(".py")) if path.exists()]
    nodes = [node for module in modules for node in ast.walk(module)]
    used = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {f"ledger/{folder.name}/{path.stem}" for path in folder.iterdir()} == {
        text for text in used if text.startswith("ledger/")
    }


# What looks at some outcomes only, and why.
OF_SOME_OUTCOMES = {
    "ledger/operations/open_retry": "a retry is of what has failed",
    "ledger/partitions/fail": "what is left of a partition that is given up has failed",
    "ledger/progress/workers": "what a worker has written",
    "ledger/views/job_workers": "what a worker has written",
    "ledger/views/last_successes": "what a job that was completed has left undone",
    "ledger/requirements/standing": "failed records of what is required are said",
    "progress/resume_monitor": "what goes wrong after a pause",
}


@pytest.mark.parametrize("name", [name for name in NAMES if re.match(r"(ledger|progress)/", name)])
def test_a_statement_that_counts_records_knows_every_outcome(name: str) -> None:
    code = re.sub(r"--.*", "", statements.read(name))
    known = {outcome for outcome in OUTCOMES if f"records_{outcome}" in code}
    assert known in (set(), set(OUTCOMES)) or name in OF_SOME_OUTCOMES


def test_every_name_of_a_statement_exists() -> None:
    folders = {name.partition("/")[0] for name in NAMES}
    named = {text for text in CONSTANTS if re.fullmatch(rf"({'|'.join(folders)})/[a-z_0-9/]+", text)}
    assert named - set(NAMES) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_begins_with_a_sentence_and_explains_its_arguments(name: str) -> None:
    text = statements.read(name)
    assert re.match(r"-- [A-Z]", text)
    if name.startswith(("ledger/", "target/", "catalog/", "session/", "schema/e", "schema/h", "schema/r")):
        code = re.sub(r"--.*", "", text)
        used = {int(number) for number in re.findall(r"\$(\d+)", code)}
        comments = "\n".join(re.findall(r"--.*", text))
        explained = {int(number) for number in re.findall(r"\$(\d+)", comments)}
        assert used <= explained, f"${used - explained} is explained nowhere"


def test_a_statement_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        statements.read("ledger/no_such_statement")


def test_rendering_needs_every_identifier() -> None:
    with pytest.raises(KeyError):
        statements.render("read_bounds", {"table": '"things"'})


OF_ONE_JOB = re.compile(r"\b(id|backfill_job_id) = \$1|unnest\(\$1")


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ledger/")])
def test_a_statement_that_looks_across_jobs_looks_at_one_tenant(name: str) -> None:
    # Not left to row-level security alone: a superuser's session bypasses it.
    code = re.sub(r"--.*", "", statements.read(name))
    reads = re.findall(r"\b(?:FROM|JOIN|UPDATE) backfill_(?:jobs|workers)\b", code)
    if "asset_name = " in code or "backfills)" in code or (reads and not OF_ONE_JOB.search(code)):
        assert "tenant_id = backfill_tenant()" in code
