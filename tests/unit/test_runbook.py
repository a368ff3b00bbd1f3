"""The runbook knows every alert, command, state, arrow and metric; its blocks are run by tests/integration."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from backfill import gauges
from backfill.broker import QueueState
from backfill.commands import COMMANDS
from backfill.gauges import Reading
from backfill.ledger.measures import Measures
from backfill.settings import described
from backfill.states import JOB_ARROWS, PARTITION_ARROWS
from backfill.workers import metrics
from backfill.workers.stats import Stats
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
    others = {"services", "demo", "new", "serve", "token", "drip"}
    assert set(COMMANDS) - typed == others, "not for production, or of api.md"


def test_every_arrow_is_there_and_no_other() -> None:
    drawn = [(row[0].strip("`"), row[1].strip("`")) for row in rows(section("States")) if row[0] != "from"]
    jobs, partitions = (
        [(before.value, after.value) for before, arrows in table.items() for after in arrows]
        for table in (JOB_ARROWS, PARTITION_ARROWS)
    )
    assert sorted(drawn) == sorted([*jobs, *partitions])


class Anything(dict[str, Any]):
    """A row of the ledger in which every measure is one."""

    def __missing__(self, name: str) -> Any:
        return "counter" if name in ("asset_name", "name") else 1


def exported() -> dict[str, set[str]]:
    """Every metric there is, as Prometheus knows it, with its labels."""
    queues = {"work": QueueState(1, 1)}
    measures = Measures({"running": 1}, [Anything()], [Anything()], [Anything()])
    intake, publisher = SimpleNamespace(redelivered=0), SimpleNamespace(is_blocked=False)
    republisher = SimpleNamespace(unpublished=0)
    reconciler = SimpleNamespace(
        reconciled={}, expired=SimpleNamespace(count=0), dropping=SimpleNamespace(count=0), republisher=republisher
    )
    of_worker = metrics.collect(Stats(), intake, publisher, reconciler)
    found: dict[str, set[str]] = {}
    for family in [*gauges.families(Reading(measures, True, queues, frozenset(queues))), *of_worker]:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return found


def test_every_metric_is_explained_with_its_labels_and_no_other_is() -> None:
    cells = [row[0] for row in rows(section("Metrics"))]
    told = {
        name: set(filter(None, (labels or "").split(",")))
        for cell in cells
        for name, labels in re.findall(r"`(backfill_[a-z_]+)(?:\{([a-z,]+)\})?`", cell)
    }
    assert told == exported()


@pytest.mark.parametrize("path", ["prometheus/alerts.yml", "grafana/backfill.json"])
def test_every_metric_that_is_asked_for_exists(path: str) -> None:
    asked = set(re.findall(r"\bbackfill_[a-z_]+", (DEPLOY / path).read_text()))
    parts = {f"{name}{part}" for name in exported() for part in ("", "_bucket", "_sum", "_count")}
    assert asked
    assert asked <= parts


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
