"""Every statement is used, and every name that is used is a statement."""

import re
from pathlib import Path

import pytest

from backfill import statements
from backfill.states import OUTCOMES
from tests.support.modules import read, sources

ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(str(path.relative_to(statements.FOLDER).with_suffix("")) for path in statements.FOLDER.rglob("*.sql"))
PYTHON = ("backfill", "producers", "workers", "services", "examples")


def named(pattern: str) -> list[str]:
    """The statements whose names begin like that; a test walks them all, as one for each would cost more."""
    return [name for name in NAMES if re.match(pattern, name)]


def texts() -> set[str]:
    return {text for path in sources(*PYTHON) for _, text in read(path).strings}


def test_a_statement_is_used() -> None:
    used = texts()
    for name in named(r"(?!progress/|functions/|schema/\d)"):
        folder, _, noun = name.partition("/")
        assert name in used or (folder == "target" and noun in used), name


@pytest.mark.parametrize("folder", sorted((ROOT / "sql" / "ledger").iterdir()), ids=lambda folder: folder.name)
def test_the_folders_of_the_ledger_are_its_modules(folder: Path) -> None:
    place = ROOT / "backfill" / "ledger" / folder.name
    modules = [path for path in (*place.glob("*.py"), place.with_suffix(".py")) if path.exists()]
    used = {text for path in modules for _, text in read(path).strings}
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


def test_a_statement_that_counts_records_knows_every_outcome() -> None:
    for name in named(r"(ledger|progress)/"):
        code = re.sub(r"--.*", "", statements.read(name))
        known = {outcome for outcome in OUTCOMES if f"records_{outcome}" in code}
        assert known in (set(), set(OUTCOMES)) or name in OF_SOME_OUTCOMES, name


def test_every_name_of_a_statement_exists() -> None:
    folders = {name.partition("/")[0] for name in NAMES}
    asked = {text for text in texts() if re.fullmatch(rf"({'|'.join(folders)})/[a-z_0-9/]+", text)}
    assert asked - set(NAMES) == set()


def test_a_statement_begins_with_a_sentence() -> None:
    for name in NAMES:
        assert re.match(r"-- [A-Z]", statements.read(name)), name


def test_a_statement_explains_its_arguments() -> None:
    for name in named(r"(ledger|target|catalog|session)/|schema/[ehr]"):
        text = statements.read(name)
        code = re.sub(r"--.*", "", text)
        used = {int(number) for number in re.findall(r"\$(\d+)", code)}
        comments = "\n".join(re.findall(r"--.*", text))
        explained = {int(number) for number in re.findall(r"\$(\d+)", comments)}
        assert used <= explained, f"{name}: ${used - explained} is explained nowhere"


def test_a_statement_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        statements.read("ledger/no_such_statement")


def test_rendering_needs_every_identifier() -> None:
    with pytest.raises(KeyError):
        statements.render("read_bounds", {"table": '"things"'})


OF_ONE_JOB = re.compile(r"\b(id|backfill_job_id) = \$1|unnest\(\$1")


def test_a_statement_that_looks_across_jobs_looks_at_one_tenant() -> None:
    # Not left to row-level security alone: a superuser's session bypasses it.
    for name in named("ledger/"):
        code = re.sub(r"--.*", "", statements.read(name))
        reads = re.findall(r"\b(?:FROM|JOIN|UPDATE) backfill_(?:jobs|workers)\b", code)
        if "asset_name = " in code or "backfills)" in code or (reads and not OF_ONE_JOB.search(code)):
            assert "tenant_id = backfill_tenant()" in code, name
