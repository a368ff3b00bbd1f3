"""README.md and the pages in docs/ say what the code says."""

import re
from pathlib import Path

import click
import pytest

from backfill import errors, settings
from backfill.console import EXIT_CODES
from backfill.states import JobState, PartitionState
from tests.support import reference

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
COMMANDS = dict(reference.commands())
REFRESH = "docs/reference.md is out of date; refresh it with: python -m tests.support.reference"


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


def section(title: str) -> str:
    """The text under a heading of the reference, up to the next one of its level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", reference.PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"docs/reference.md has no section {title!r}"
    return found[1]


def test_commands_and_settings_are_those_of_the_code() -> None:
    text = reference.PAGE.read_text()
    assert reference.updated(text) == text, REFRESH


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained(name: str) -> None:
    """Everything has a help text, and stands in the reference."""
    command: click.Command = COMMANDS[name]
    assert command.help
    reference_text = section("Commands")
    program, _, subcommand = name.partition(" ")
    assert f"`{subcommand or program}" in reference_text
    for option in reference.options(command):
        assert option.help, f"{name} {option.opts[0]} has no help"
        assert f"`{option.opts[0]}" in reference_text, f"{option.opts[0]} of {name}: {REFRESH}"


@pytest.mark.parametrize("variable", [row[1] for row in settings.described()])
def test_every_setting_is_explained(variable: str) -> None:
    assert f"`{variable}`" in section("Settings")


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)}
    of_errors = {
        one.exit_code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.BackfillError)
    }
    of_help = {int(code) for code in re.findall(r"\b(\d+) [a-zP]", EXIT_CODES)}
    assert explained == of_errors | of_help | {0}


@pytest.mark.parametrize("state", sorted({*JobState, *PartitionState}))
def test_every_state_is_explained(state: str) -> None:
    table, _, partitions = section("States").partition("A partition is")
    assert f"| `{state}` |" in table or state not in set(JobState)
    assert f"`{state}`" in partitions or state not in set(PartitionState)


def test_the_definition_is_the_example() -> None:
    assert f"```python\n{(ROOT / 'examples/names.py').read_text()}```\n" in README.read_text()


def test_a_stranger_reads_the_readme_at_a_sitting() -> None:
    assert len(README.read_text().splitlines()) <= 200


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=shown)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|sql|md))`", page.read_text()))
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_every_progress_query_is_named() -> None:
    for query in (ROOT / "sql/progress").glob("*.sql"):
        assert f"`sql/progress/{query.name}`" in section("Progress")


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=shown)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for place, heading in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", page.read_text()):
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name} links to {place}"
        assert not heading or heading in headings(target), f"{page.name} links to {place}#{heading}"


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_every_page_is_found_from_the_readme(page: Path) -> None:
    assert f"]({page.relative_to(ROOT)})" in README.read_text()
