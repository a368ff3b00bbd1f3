"""What Prometheus is told is true, well-formed, and everything that alerts and the dashboard ask for."""

import json
import re
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from backfill.modes import Priority
from tests.support.commands import Command
from tests.support.definitions import GATE
from tests.support.promtool import check
from tests.support.runbook import promql
from tests.support.waiting import eventually
from tests.support.world import HASTY, World

pytestmark = pytest.mark.long

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/backfill.json"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310 - our own command
        text: str = response.read().decode()
    return text


async def address(command: Command) -> str:
    """Where a command says that it serves metrics."""

    def said() -> str:
        found = re.search(r"Metrics: (http://\S+)", command.output)
        assert found, command.output
        return found[1]

    url: str = await eventually(said)
    return url


def parsed(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    found = samples.get((name, frozenset(labels.items())))
    assert found is not None, f"no {name} {labels} among {sorted(other for other in samples if other[0] == name)}"
    return found


def expressions(node: Any) -> list[str]:
    """Every PromQL text of a rule file or a dashboard."""
    if isinstance(node, list):
        return [text for part in node for text in expressions(part)]
    if not isinstance(node, dict):
        return []
    own = [node["expr"]] if "expr" in node else []
    if isinstance(node.get("query"), dict):
        own.append(node["query"]["query"])
    return own + [text for part in node.values() for text in expressions(part)]


def asked_for(node: Any) -> set[str]:
    return {name for text in expressions(node) for name in re.findall(r"\bbackfill_[a-z_]+", text)}


async def test_alerts_and_dashboard_ask_for_nothing_that_is_not_told(world: World) -> None:
    # Given a job with a deadline that is half done and waits at the gate, and everybody telling
    world.definition = "Gated"
    await world.rows(40)
    job = await world.queue("--mode=all", "--batch-size=5")
    await world.execute(
        """
        UPDATE backfill_jobs SET pause_ms = 10000, sla_deadline_at = clock_timestamp() + interval '1 hour' WHERE id = $1
        """,
        job,
    )
    worker = world.worker("--metrics-port=0", "--concurrency=1")
    url = await address(worker)
    async with world.session() as session:
        await eventually(lambda: world.value("SELECT count(*) FROM audit"), what="a first partition")
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
        ledger = world.run("backfill", "metrics", "--listen=0")
        ledger_url = await address(ledger)

        # When both are scraped, once an estimate is there
        async def told() -> Samples:
            samples = parsed(get(ledger_url))
            assert value(samples, "backfill_eta_distribution_seconds", backfill="gated", quantile="0.5") > 0
            return samples

        await eventually(told)
        pages = get(url), get(ledger_url)
        await session.execute("SELECT pg_advisory_unlock($1)", GATE)

    # Then every name in the rules and on the dashboard is there
    names = {name for page in pages for name, _ in parsed(page)}
    for path, node in ((ALERTS, yaml.safe_load(ALERTS.read_text())), (DASHBOARD, json.loads(DASHBOARD.read_text()))):
        asked = asked_for(node)
        assert len(asked) > 5
        assert asked <= names, f"{path.name} asks for {asked - names}"
    # And those of the runbook's examples are told by `backfill metrics` alone
    of_ledger = {name for name, _ in parsed(pages[1])}
    for meaning, expression in promql().items():
        asked = asked_for({"expr": expression})
        assert asked
        assert asked <= of_ledger, f"{meaning}: {asked - of_ledger}"
    # And Prometheus finds nothing to complain about, nor two meanings of one name
    for page in pages:
        check("check", "metrics", given=page)
    kinds = [{family.name for family in text_string_to_metric_families(page)} for page in pages]
    assert not kinds[0] & kinds[1]
    # And nothing grows with the number of jobs
    for page in pages:
        assert str(job) not in page
    ledger.kill(signal.SIGTERM)
    assert await ledger.wait() == 0
    await world.until_ended()
    await world.drain(worker)
    await world.finish()
    await world.ends_well()


async def test_a_worker_tells_what_the_ledger_has(world: World) -> None:
    # Given records of several outcomes
    world.definition = "Poison"
    await world.rows(40, base="CASE WHEN id <= 3 THEN 1 WHEN id <= 5 THEN 7 WHEN id > 30 THEN 7 ELSE 0 END")
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker(BACKFILL_METRICS_PORT="0", BACKFILL_RECONCILE_SECONDS="60")
    url = await address(worker)
    await world.until_ended()

    # When it is scraped
    samples = parsed(get(url))

    # Then its numbers are those of the ledger
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    for outcome in ("updated", "unchanged", "skipped", "failed", "deleted"):
        assert value(samples, "backfill_records_total", outcome=outcome) == job[f"records_{outcome}"]
    assert (job["records_updated"], job["records_skipped"], job["records_failed"]) == (25, 12, 3)
    for status, count in (("completed", 3), ("skipped", 1), ("failed", 0)):
        assert value(samples, "backfill_partition_completion_total", status=status) == count
        assert value(samples, "backfill_partition_duration_seconds_count", status=status) == count
        assert value(samples, "backfill_partition_duration_seconds_bucket", status=status, le="+Inf") == count
    assert value(samples, "backfill_partition_duration_seconds_sum", status="completed") > 0
    for reason in ("lease_expired", "republished"):
        assert value(samples, "backfill_reconciled_total", reason=reason) == 0
    for name in ("retries", "redeliveries", "fenced", "dead"):
        assert value(samples, f"backfill_{name}_total") == 0
    # And it ends as well with metrics as without
    await world.drain(worker)
    with pytest.raises(urllib.error.URLError):
        get(url)
    await world.ends_well()


async def test_what_went_wrong_is_counted(world: World) -> None:
    # Given a worker that dies with all in hand, and a message that nobody can read
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=2")
    victim = world.worker("--concurrency=1", failpoint="worker.after_claim=kill@2", **HASTY)
    await world.until_killed(victim)
    await world.execute("UPDATE backfill_partitions SET lease_expires_at = 'infinity' WHERE state = 'running'")
    await world.publish(b"nonsense")

    # When another goes on, and the lease ends after the message has come again to no purpose
    worker = world.worker("--metrics-port=0")
    url = await address(worker)

    def told_by_the_broker() -> bool:
        samples = parsed(get(url))
        assert value(samples, "backfill_redeliveries_total") >= 1
        assert value(samples, "backfill_duplicates_total") >= 1
        assert value(samples, "backfill_dead_total") == 1
        return True

    await eventually(told_by_the_broker)
    await world.execute("UPDATE backfill_partitions SET lease_expires_at = '-infinity' WHERE state = 'running'")

    # Then the partition that was taken back is told as well
    await world.until_ended()
    assert value(parsed(get(url)), "backfill_reconciled_total", reason="lease_expired") == 1
    await world.drain(worker)
    await world.finish()
    await world.ends_well(undecodable=1)


async def test_the_ledger_tells_pauses_deadlines_heartbeats_and_queues(world: World) -> None:
    # Given a job that runs for hours without any worker, expected to end after its deadline
    world.definition = "Doubler"
    await world.rows(50)
    job = await world.queue("--mode=all", "--batch-size=10")
    await world.execute(
        "UPDATE backfill_jobs SET state = 'running', started_at = clock_timestamp() - interval '5 hours' WHERE id = $1",
        job,
    )
    await world.execute(
        """
        UPDATE backfill_jobs SET heartbeat_at = clock_timestamp() - interval '400 seconds',
            sla_deadline_at = clock_timestamp() + interval '1 minute',
            estimated_completion_at = clock_timestamp() + interval '2 minutes' WHERE id = $1
        """,
        job,
    )
    command = world.run("backfill", "metrics")
    assert await command.wait() == 0, command.output
    samples = parsed(command.output)
    queue = world.topology.queue

    # Then
    assert value(samples, "backfill_jobs_active", state="running") == 1
    assert value(samples, "backfill_jobs_active", state="paused") == 0
    assert 400 <= value(samples, "backfill_heartbeat_age_seconds", kind="job", backfill="doubler") < 430
    assert 18_000 <= value(samples, "backfill_job_running_seconds", backfill="doubler") < 18_030
    assert 30 < value(samples, "backfill_sla_seconds_left", backfill="doubler") <= 60
    assert value(samples, "backfill_sla_at_risk", backfill="doubler") == 1
    assert value(samples, "backfill_sla_breached", backfill="doubler") == 0
    assert value(samples, "backfill_pause_duration_seconds", backfill="doubler") == 0
    assert value(samples, "backfill_workers", backfill="doubler") == 0
    assert value(samples, "backfill_records_matched", backfill="doubler") == 50
    assert value(samples, "backfill_service_up", service="postgresql") == 1
    assert value(samples, "backfill_service_up", service="rabbitmq") == 1
    assert value(samples, "backfill_queue_depth", queue=queue(Priority.NORMAL)) == 5
    assert value(samples, "backfill_queue_consumers", queue=queue(Priority.NORMAL)) == 0
    assert value(samples, "backfill_queue_depth", queue=world.topology.dead_queue) == 0
    assert ("backfill_queue_consumers", frozenset({("queue", world.topology.dead_queue)})) not in samples

    # And once it is paused and late
    await world.execute(
        """
        UPDATE backfill_jobs SET state = 'paused', paused_at = clock_timestamp() - interval '10 minutes',
            sla_deadline_at = clock_timestamp() - interval '1 minute' WHERE id = $1
        """,
        job,
    )
    command = world.run("backfill", "metrics")
    assert await command.wait() == 0, command.output
    samples = parsed(command.output)
    assert 600 <= value(samples, "backfill_pause_duration_seconds", backfill="doubler") < 630
    assert -90 < value(samples, "backfill_sla_seconds_left", backfill="doubler") <= -60
    assert value(samples, "backfill_sla_at_risk", backfill="doubler") == 0
    assert value(samples, "backfill_sla_breached", backfill="doubler") == 1
    assert not [name for name, _ in samples if name == "backfill_job_running_seconds"]


async def test_services_that_are_away_are_told_and_do_not_end_the_endpoint(world: World) -> None:
    nowhere = "amqp://guest:guest@127.0.0.1:1/"
    without_broker = world.run("backfill", "metrics", RABBITMQ_URL=nowhere)
    assert await without_broker.wait() == 0
    assert 'backfill_service_up{service="rabbitmq"} 0.0' in without_broker.output
    unasked = world.run("backfill", "metrics", RABBITMQ_URL="")
    assert await unasked.wait() == 0
    assert 'service="rabbitmq"' not in unasked.output
    wrong = world.run("backfill", "metrics", "--listen=0", RABBITMQ_URL="http://localhost/")
    assert await wrong.wait() == 2

    without_database = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert await world.run("backfill", "metrics", **without_database).wait() == 5
    served = world.run("backfill", "metrics", "--listen=0", **without_database)
    url = await address(served)
    for _ in range(2):
        assert value(parsed(get(url)), "backfill_service_up", service="postgresql") == 0


async def test_a_taken_port_and_a_missing_library_are_one_sentence(world: World, tmp_path: Path) -> None:
    served = world.run("backfill", "metrics", "--listen=0")
    port = (await address(served)).split(":")[2].partition("/")[0]
    for command in (("backfill", "metrics", "--listen"), ("backfill-worker", "--metrics-port")):
        second = world.run(*command[:-1], f"{command[-1]}={port}")
        assert await second.wait() == 2, second.output
        assert "give another host or port" in second.output

    (tmp_path / "absent").mkdir()
    (tmp_path / "absent/prometheus_client.py").write_text("raise ImportError('not installed')\n")
    for command in (("backfill", "metrics"), ("backfill-worker", "--metrics-port=0")):
        # Not forked from a process that has imported it.
        own = {"PYTHONPATH": str(tmp_path / "absent"), "TEST_PROGRAMS": str(Path(sys.executable).parent)}
        without = world.run(*command, **own)
        assert await without.wait() == 2, without.output
        assert "pip install 'backfill-toolkit[metrics]'" in without.output
        assert "Traceback" not in without.output


def test_alert_rules_are_right() -> None:
    folder = ALERTS.parent
    check("check", "rules", ALERTS.name, folder=folder)
    check("test", "rules", "alerts_test.yml", folder=folder)
    check("check", "config", "prometheus.yml", folder=folder)


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    cases = [
        case
        for test in yaml.safe_load((ALERTS.parent / "alerts_test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        fires = [bool(case.get("exp_alerts")) for case in cases if case["alertname"] == rule["alert"]]
        assert set(fires) == {True, False}, f"{rule['alert']} needs a case in which it fires, and one in which not"


def test_prometheus_reads_the_examples_of_the_runbook(tmp_path: Path) -> None:
    examples = promql()
    assert len(examples) == 5
    rules = [{"record": f"example:{n}", "expr": expression} for n, expression in enumerate(examples.values())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "examples", "rules": rules}]}))
    assert "5 rules found" in check("check", "rules", "rules.yml", folder=tmp_path)
