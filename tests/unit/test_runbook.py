"""The runbook knows every alert, command, state, arrow and metric; its blocks are run by tests/integration."""

import re
from pathlib import Path

import yaml

from backfill.commands import COMMANDS
from backfill.settings import described
from backfill.states import JOB_ARROWS, PARTITION_ARROWS
from tests.support.runbook import PAGE, ROOT, blocks
from tests.support.situations import SITUATIONS

TEXT = PAGE.read_text()
DEPLOY = ROOT / "deploy"
OPERATORS = Path(__file__).parents[1] / "support" / "operators.sql"


def section(title: str) -> str:
    """From a heading to the next of its level or above."""
    level, found = "#" * (2 if f"\n## {title}\n" in TEXT else 3), []
    for line in TEXT.split(f"\n{level} {title}\n", 1)[1].splitlines():
        if re.match(rf"#{{1,{len(level)}}} ", line):
            break
        found.append(line)
    return "\n".join(found)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [row for row in lines if not set(row[0]) <= set("-|")]


def test_every_alert_has_a_first_command_and_a_section() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    table = {row[0].strip("`"): row for row in rows(section("Alerts"))[1:]}
    assert set(table) == alerts
    for row in table.values():
        assert row[2].strip("`").split()[:2] in [["backfill", name] for name in COMMANDS]
        assert re.fullmatch(r"\[.+\]\(#[a-z-]+\)", row[3])


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_command_is_there() -> None:
    named = set(re.findall(r"`backfill ([a-z-]+)`", section("Commands and exit codes")))
    assert named == set(COMMANDS)
    typed = {name for block in blocks() for name in re.findall(r"^\$ backfill ([a-z-]+)", block.text, re.MULTILINE)}
    assert typed <= set(COMMANDS)
    assert set(COMMANDS) - typed == {"services", "demo"}, "not for production, all others are run"


def test_every_arrow_is_there_and_no_other() -> None:
    drawn = [(row[0].strip("`"), row[1].strip("`")) for row in rows(section("States")) if row[0] != "from"]
    jobs, partitions = (
        [(before.value, after.value) for before, arrows in table.items() for after in arrows]
        for table in (JOB_ARROWS, PARTITION_ARROWS)
    )
    assert sorted(drawn) == sorted([*jobs, *partitions])


def test_every_metric_that_is_asked_for_is_explained() -> None:
    names = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for path in ("prometheus/alerts.yml", "grafana/backfill.json")
        for name in re.findall(r"\bbackfill_[a-z_]+", (DEPLOY / path).read_text())
    }
    assert {name for name in names if f"`{name}" not in section("Metrics")} == set()


def test_settings_exist() -> None:
    known = {variable for _, variable, _, _ in described()}
    assert set(re.findall(r"BACKFILL_[A-Z_]+", TEXT)) <= known


def test_the_operators_own_queries_stand_as_they_are() -> None:
    statements = [text.strip() for text in OPERATORS.read_text().partition("\n")[2].split(";\n") if text.strip()]
    assert len(statements) == 7
    typed = [block.text.strip().removesuffix(";") for block in blocks() if block.kind == "sql"]
    for statement in statements:
        assert statement in typed


def test_every_situation_is_used_and_every_block_has_one() -> None:
    for block in blocks():
        assert block.situation in SITUATIONS, f"line {block.line}: name a situation, not {block.situation!r}"
        assert block.expect, f"line {block.line}: say what to expect"
    assert {block.situation for block in blocks()} == set(SITUATIONS)
    fences = len(re.findall(r"^```", TEXT, re.MULTILINE)) / 2
    assert len(blocks()) == fences - TEXT.count("```promql"), "a block that no test would run"
