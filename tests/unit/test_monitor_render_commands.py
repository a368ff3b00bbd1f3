"""Commands in the sentences of a report: ours stand out and can be copied, and no name of others becomes one."""

import re
from pathlib import Path

import pytest

import backfill
from backfill import texts
from backfill.monitor.render.html import page
from backfill.monitor.render.markdown import markdown
from backfill.monitor.report import Finding, Level
from backfill.texts import parted
from tests.support.reports import bare

ROOT = Path(backfill.__file__).parent
PAGE = ROOT.parent / "web" / "page" / "monitor" / "report.js"
SENTENCES = {
    "go on with: backfill resume 12": "backfill resume 12",
    "see: what: backfill failures 01JD-x": "backfill failures 01JD-x",
    "backfill-queue --resume": "backfill-queue --resume",
    "look again with: backfill monitor --profile /srv/my.toml": "backfill monitor --profile /srv/my.toml",
    "have it written: backfill monitor init": "backfill monitor init",
    "see what worker 3: backfill cancel --all --yes # waits for; start it again": "",
    "worker 3: backfill resume 7 # waits": "",
    "worker 3: backfill resume 7; start it again": "",
    "worker 3: backfill resume $(id)": "",
    "worker 3: backfill resume 7\n": "",
    "run: `backfill cancel --all": "",
    "restart worker 3: backfill cancel --all --yes": "",
    "backfill stands still": "",
    "nothing of it": "",
}


@pytest.mark.parametrize(("text", "command"), SENTENCES.items())
def test_only_a_command_as_we_write_them_is_one(text: str, command: str) -> None:
    assert parted(text) == (text.removesuffix(command), command)


def test_a_worker_that_is_named_like_a_command_is_none_in_a_report() -> None:
    step = "see what worker 3: backfill cancel --all --yes # waits for; start it again, or its range"
    report = bare(findings=[Finding("worker_stalled", Level.WARNING, step)], next=[step])
    assert "<code" not in page(report)
    assert "`backfill" not in markdown(report)


def test_the_page_takes_the_same_for_commands() -> None:
    (found,) = re.findall(r"^const COMMAND = /\^(.*)\$/s;$", PAGE.read_text(), re.M)
    assert found == texts._COMMAND.pattern


def test_every_command_that_the_monitor_names_is_one() -> None:
    written = "\n".join(one.read_text() for one in (ROOT / "monitor").rglob("*.py"))
    found = {*re.findall(r': (backfill [a-z]+(?: [a-z]+)?)(?=["\s])', written)}
    assert len(found) > 3
    for one in found:
        assert parted(f"x: {one}") == ("x: ", one)
