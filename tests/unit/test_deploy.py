"""The files in deploy/ give a draining worker more time than it takes."""

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from backfill.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
DRAIN_SECONDS: float = Settings.model_fields["drain_seconds"].default
# Beyond the drain: stop consuming, give the lead and the claims back, close both services, each of them bounded.
GOODBYE_SECONDS = 20


def parsed(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(" ;",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|m|min)?", text).groups()  # type: ignore[union-attr]
    return float(number) * (60 if unit in ("m", "min") else 1)


def kill_times() -> dict[str, float]:
    """Each place that kills our processes when they have not ended by then."""
    found = {
        "supervisor": seconds(parsed(DEPLOY / "supervisor/backfill.conf")["program:backfill-worker"]["stopwaitsecs"]),
        "systemd": seconds(parsed(DEPLOY / "systemd/backfill-worker@.service")["Service"]["TimeoutStopSec"]),
        "pm2": int(pm2()["kill_timeout"]) / 1000,
    }
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            pod = document["spec"].get("template", {}).get("spec", {})
            commands = [container["command"][0] for container in pod.get("containers", ())]
            if set(commands) & {"backfill-worker", "backfill-queue"}:
                found[f"{path.name} {commands}"] = pod["terminationGracePeriodSeconds"]
    for name, service in compose()["services"].items():
        if service.get("command", [""])[0] == "backfill-worker":
            found[f"compose {name}"] = seconds(service["stop_grace_period"])
    return found


def pm2() -> dict[str, str]:
    """The options of the file for PM2 as they are written, without a Node that would run it."""
    text = re.sub(r"//.*", "", (DEPLOY / "pm2/ecosystem.config.js").read_text())
    return dict(re.findall(r"^ +(\w+): (.+?),\s*$", text, re.MULTILINE))


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    return loaded


def test_a_worker_is_killed_later_than_it_drains() -> None:
    times = kill_times()

    assert len(times) == 6, times
    for place, time in times.items():
        assert time > DRAIN_SECONDS + GOODBYE_SECONDS, f"{place} kills after {time} s"


def test_every_place_stops_a_worker_with_the_signal_that_drains() -> None:
    unit = parsed(DEPLOY / "systemd/backfill-worker@.service")["Service"]
    program = parsed(DEPLOY / "supervisor/backfill.conf")["program:backfill-worker"]

    assert unit["KillSignal"] == "SIGTERM"
    assert unit["KillMode"] == "mixed"  # TERM to the worker alone, KILL to all that is left
    assert unit["Restart"] == "on-failure"
    assert program["stopsignal"] == "TERM"
    assert program["autorestart"] == "true"
    assert compose()["services"]["worker"]["stop_signal"] == "SIGTERM"


def test_pm2_is_told_what_systemd_and_supervisord_are() -> None:
    unit = parsed(DEPLOY / "systemd/backfill-worker@.service")["Service"]
    program = parsed(DEPLOY / "supervisor/backfill.conf")["program:backfill-worker"]
    options = pm2()

    assert options["script"] == "`${FOLDER}/.venv/bin/backfill-worker`"
    assert "exec backfill-worker" in (DEPLOY.parent / "Procfile").read_text()
    assert options["args"] == "`--metrics-port=94${number}`"
    assert options["name"] == "`backfill-worker_${number}`"
    assert int(options["kill_timeout"]) == 1000 * seconds(program["stopwaitsecs"])
    assert options["treekill"] == "false"  # INT to the worker alone, as KillMode=mixed does
    assert options["autorestart"] == "true"
    assert json.loads(options["stop_exit_codes"]) == [int(code) for code in unit["RestartPreventExitStatus"].split()]
    assert int(options["exp_backoff_restart_delay"]) > 0
    assert (options["interpreter"], options["exec_mode"]) == ("'none'", "'fork'")
    text = (DEPLOY / "pm2/ecosystem.config.js").read_text()
    assert f"const WORKERS = {program['numprocs']};" in text
    assert f"const FOLDER = '{program['directory']}';" in text


@pytest.mark.parametrize("name", ["backfill-worker@", "backfill-serve"])
def test_systemd_lets_a_process_do_no_more_than_its_work(name: str) -> None:
    unit = parsed(DEPLOY / f"systemd/{name}.service")["Service"]
    for option in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert unit[option] == "yes"
    assert unit["ProtectSystem"] == "strict"
    assert unit["CapabilityBoundingSet"] == ""
    assert unit["User"] == "backfill"


def test_no_place_lets_a_core_file_be_written() -> None:
    """Where there is nothing to say, a command sees to it itself: tests/unit/test_entry.py."""
    for name in ("backfill-worker@", "backfill-serve"):
        assert parsed(DEPLOY / f"systemd/{name}.service")["Service"]["LimitCORE"] == "0"
    for name, service in compose()["services"].items():
        assert service["ulimits"] == {"core": 0}, name


def test_processes_on_one_host_have_a_port_of_metrics_each() -> None:
    unit = parsed(DEPLOY / "systemd/backfill-worker@.service")["Service"]
    program = parsed(DEPLOY / "supervisor/backfill.conf")["program:backfill-worker"]

    assert unit["ExecStart"].endswith("backfill-worker --metrics-port=94%i")
    assert program["command"].endswith("backfill-worker --metrics-port=94%(process_num)02d")
    assert "%(process_num)02d" in program["stdout_logfile"]


@pytest.mark.parametrize("name", ["worker", "metrics"])
def test_compose_scrapes_what_it_starts(name: str) -> None:
    services = compose()["services"]
    (port,) = (part.partition("=")[2] for part in services[name]["command"] if "port" in part or "listen" in part)
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    targets = {
        f"{service}:{config.get('port', '')}".rstrip(":")
        for job in prometheus["scrape_configs"]
        for config in (*job.get("static_configs", ()), *job.get("dns_sd_configs", ()))
        for service in config.get("targets", config.get("names", ()))
    }

    assert f"{name}:{port}" in targets


def test_compose_keeps_passwords_out_of_the_file_and_ports_off_the_network() -> None:
    for service in compose()["services"].values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
        for variable, value in service.get("environment", {}).items():
            if "PASS" in variable:
                assert re.fullmatch(r"\$\{\w+:\?set a password\}", value)


def test_compose_names_the_version_of_each_image_and_takes_a_digest() -> None:
    for service in compose()["services"].values():
        if "build" in service:
            base = service["build"]["dockerfile_inline"].splitlines()[0]
            assert re.fullmatch(r"FROM \$\{PYTHON_IMAGE:-python:3\.\d+-slim\}", base)
        else:
            assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:v?\d[a-z0-9.-]*\}", service["image"])


def test_compose_lets_our_containers_do_no_more_than_their_work() -> None:
    for name, service in compose()["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if "build" in service:
            assert (service["cap_drop"], service["read_only"]) == (["ALL"], True), name
            assert "USER backfill" in service["build"]["dockerfile_inline"]
