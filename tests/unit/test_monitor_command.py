"""How `backfill monitor` is called, and what comes out where; what a look finds is made up here."""

import json
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backfill.commands import main as backfill
from backfill.commands import monitor_show
from backfill.commands.monitor_options import profile_of
from backfill.monitor.memory import Memory
from backfill.monitor.profile import Profile
from backfill.monitor.report import Level, Report, State
from backfill.monitor.surroundings import Surroundings
from tests.support.reports import load


class Looks:
    """Gives the reports in turn, and keeps what was looked at."""

    def __init__(self) -> None:
        self.reports: list[Report | Exception] = [load()]
        self.profiles: list[Profile] = []
        self.where: list[Surroundings] = []
        self.memories: list[Memory] = []
        self.ends_after = 0

    async def __call__(
        self, profile: Profile, where: Surroundings, memory: Memory, gap: float = 0.0
    ) -> tuple[Report, Memory]:
        del gap
        self.profiles.append(profile)
        self.where.append(where)
        self.memories.append(memory)
        report = self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]
        if isinstance(report, Exception):
            raise report
        has_ended = len(self.profiles) == self.ends_after
        return report, Memory(memory.looks, {"log x": {"n": len(self.profiles)}}, memory.notes, has_ended)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Looks:
    found = Looks()
    monkeypatch.setattr(monitor_show, "look", found)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return found


def call(*words: str, **more: Any) -> Result:
    result = CliRunner().invoke(backfill, ["monitor", *words], prog_name="backfill", **more)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


ANY = ("--log", "x.log")


def test_a_pipe_gets_markdown_and_exit_code_0_whatever_the_state(looks: Looks) -> None:
    looks.reports = [load(state=State.DEAD, level=Level.CRITICAL)]
    result = call(*ANY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("# ERC-1155 load: dead\n")


def test_json_is_one_object(looks: Looks) -> None:
    result = call(*ANY, "--json")
    assert json.loads(result.stdout)["schema_version"] == 1
    assert json.loads(result.stdout)["state"] == "running"
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("level", "code"), [(Level.OK, 0), (Level.WARNING, 1), (Level.CRITICAL, 2), (Level.UNKNOWN, 3)]
)
def test_check_is_one_line_and_its_code(looks: Looks, level: Level, code: int) -> None:
    looks.reports = [load(level=level)]
    result = call(*ANY, "--check")
    assert (result.exit_code, result.stderr, result.stdout.count("\n")) == (code, "", 1)
    assert result.stdout.startswith(f"{level.value.upper()} - running: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--nonsense"], "No such option"),
        (["--profile", "nix"], "there is no profile 'nix'; "),
        (["--since", "soon"], "neither a duration"),
        (["--watch", "5"], "--check looks once; leave out --watch"),
        (["--json"], "choose one of --check, --markdown, --json and --html"),
        (["nix"], "there is no command 'nix'; for a profile of that name: --profile nix"),
        (["--target", "nowhere"], "target.1.address: write host:port"),
        (["--total", "x"], "Invalid value for '--total'"),
    ],
)
def test_whatever_is_wrong_with_a_check_is_one_line_and_3(looks: Looks, words: list[str], said: str) -> None:
    for order in (["--check", *words], [*words, "--check"]):
        result = call(*order)
        assert (result.exit_code, result.stdout.count("\n")) == (3, 1), result.output
        assert result.stdout.startswith("UNKNOWN - ")
        assert said in result.stdout
    assert not looks.profiles
    other = call(*(word for word in words if word not in ("--json", "5", "--watch")), *ANY)
    assert other.exit_code in (0, 2, 3)


def test_a_mistake_of_ours_is_a_line_of_a_check_too(looks: Looks) -> None:
    looks.reports = [ZeroDivisionError("by zero\nand more | x=1")]
    result = call(*ANY, "--check")
    assert result.exit_code == 3
    assert result.stdout == "UNKNOWN - a mistake of ours: ZeroDivisionError: by zero\\nand more / x=1; report it\n"
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("words", [["--json", "--html", "x"], ["--markdown", "--json"]])
def test_one_shape_at_a_time(looks: Looks, words: list[str]) -> None:
    result = call(*ANY, *words)
    assert (result.exit_code, looks.profiles) == (2, [])
    assert "choose one of" in result.stderr


@pytest.mark.parametrize("words", [["-"], ["--json", "-"], ["-", "--json"], ["--log", "-"]])
def test_a_lone_sign_is_standard_input_and_nothing_is_kept_of_it(
    looks: Looks, tmp_path: Path, words: list[str]
) -> None:
    assert call(*words, input="x\n").exit_code == 0
    assert [one.path for one in looks.profiles[0].log] == ["-"]
    assert looks.where[0].stdin is not None
    assert not (tmp_path / "state").exists()


def test_html_is_a_file_that_is_replaced_or_goes_to_stdout(looks: Looks, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    result = call(*ANY, "--html", "page.html")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote page.html\n")
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert call(*ANY, "--html", "-").stdout == page
    missing = call(*ANY, "--html", "none/page.html")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "error: cannot write none/page.html: No such file or directory; name another file\n"


def test_html_keeps_a_link_its_rights_and_whatever_others_have_put_there(looks: Looks, tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "real.html").chmod(0o640)
    (tmp_path / "link.html").symlink_to("real.html")
    for name in (".link.html.new", ".real.html.new"):  # as another user may, in a folder that all write to
        (tmp_path / name).symlink_to("/nonexistent/elsewhere")
    assert call(*ANY, "--html", "link.html").stderr == "wrote link.html\n"
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "real.html").stat().st_mode & 0o777 == 0o640
    assert {one.name for one in tmp_path.iterdir() if one.suffix in (".new", ".html")} == {
        "link.html",
        "real.html",
        ".link.html.new",
        ".real.html.new",
    }


def test_html_goes_into_what_is_no_file(looks: Looks, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    nobody = call(*ANY, "--html", "pipe")
    assert (nobody.exit_code, nobody.stderr) == (
        1,
        "error: cannot write pipe: No such device or address; name another file\n",
    )
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert call(*ANY, "--html", "pipe").exit_code == 0
        assert os.read(reader, 15) == b"<!doctype html>"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    full = call(*ANY, "--html", "/dev/full")
    assert (full.exit_code, full.stderr) == (
        1,
        "error: cannot write /dev/full: No space left on device; name another file\n",
    )
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--check",), 3)])
def test_a_folder_that_is_gone_is_said(looks: Looks, tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = call(*ANY, *words)
    assert result.exit_code == code
    assert "the folder that this runs in is gone; change to one that is there" in result.output


def test_without_a_home_nothing_is_remembered_and_that_is_said(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> Any:
        raise KeyError

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    result = call(*ANY, "--json")
    assert (result.exit_code, result.stderr) == (
        0,
        "warning: there is no home to remember this look in; the next one begins anew: set HOME or XDG_STATE_HOME\n",
    )


def test_a_path_that_is_no_utf_8_is_a_path(looks: Looks, tmp_path: Path) -> None:
    assert call("--log", os.fsdecode(b"x\xff.log"), "--json").exit_code == 0
    assert len(list((tmp_path / "state/backfill/monitor").iterdir())) == 1


def test_a_watch_ends_when_it_has_finished(looks: Looks) -> None:
    done = load(state=State.FINISHED)
    looks.reports = [done, load(), done, done, load()]
    result = call(*ANY, "--watch=1", "--json")
    states = [json.loads(line)["state"] for line in result.stdout.splitlines()]
    assert states == ["finished", "running", "finished", "finished"]  # the first was between two pages
    assert result.exit_code == 0
    assert [one.sources for one in looks.memories] == [{}, *({"log x": {"n": number}} for number in (1, 2, 3))]


def test_a_watch_of_standard_input_ends_with_it_and_shows_what_came_meanwhile(looks: Looks) -> None:
    looks.ends_after = 2
    result = call("--watch=1", "--json", "-", input="x\n")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    assert [one.read_seconds for one in looks.where] == [1, 1]


def test_what_one_call_remembers_the_next_one_knows_and_since_keeps_out_of_it(looks: Looks, tmp_path: Path) -> None:
    call(*ANY)
    call(*ANY, "--since=1h")
    call(*ANY)
    call("--log", "other.log")
    assert [one.sources for one in looks.memories] == [{}, {}, {"log x": {"n": 1}}, {}]
    assert looks.where[0].since is None
    assert looks.where[1].since == pytest.approx(looks.where[1].now() - 3600, abs=60)
    assert len(list((tmp_path / "state/backfill/monitor").iterdir())) == 2


def test_a_damaged_memory_is_said_once_and_not_in_the_way(looks: Looks, tmp_path: Path) -> None:
    call(*ANY)
    (file,) = (tmp_path / "state/backfill/monitor").glob("flags-*.json")
    file.write_text("{")
    result = call(*ANY)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: what was remembered in {file} cannot be used (")
    file.write_text("{")
    assert call(*ANY, "--check").stderr == ""
    assert call(*ANY).stderr == ""


def test_an_iso_time_is_a_since(looks: Looks) -> None:
    assert call(*ANY, "--since", "2026-11-26T15:00:00Z").exit_code == 0
    assert looks.where[0].since == 1_795_705_200


@pytest.mark.parametrize("words", [["--sql", "SELECT 1 AS rows"], ["--job", "latest"], ["--table", "t", "--check"]])
def test_a_url_in_place_of_a_variable_is_refused_and_not_shown(looks: Looks, words: list[str]) -> None:
    result = call("--database", "postgresql://joe:geheim@db/x", *words)
    assert result.exit_code == (3 if "--check" in words else 2)
    assert "database takes the NAME of a variable, such as DATABASE_URL, never a URL" in result.output
    assert ("geheim" in result.output, looks.profiles) == (False, [])


def flags(**given: Any) -> dict[str, Any]:
    names = ("logs", "jobs", "queries", "tables", "commands", "processes", "targets")
    nothing = dict.fromkeys(("total", "workers", "unit", "kind", "title"))
    return {**dict.fromkeys(names, ()), **nothing, "database": "DATABASE_URL", **given}


def test_flags_name_every_kind_of_source() -> None:
    found = profile_of(
        None,
        flags(
            logs=("a*.log", "-"),
            jobs=("latest",),
            queries=("SELECT 1 AS rows",),
            tables=("t",),
            database="OTHER",
            commands=("rows=wc -l a=b.csv", "print json=1"),
            processes=("load.js", "42"),
            targets=("db:5432",),
            total=5,
            unit="blocks",
        ),
    )
    assert [one.path for one in found.log] == ["a*.log", "-"]
    assert (found.job[0].id, found.job[0].database) == ("latest", "OTHER")
    assert [(one.query, one.table, one.database) for one in found.sql] == [
        ("SELECT 1 AS rows", None, "OTHER"),
        (None, "t", "OTHER"),
    ]
    assert [(one.run, one.measures) for one in found.command] == [("wc -l a=b.csv", "rows"), ("print json=1", None)]
    assert [(one.name, one.pid) for one in found.process] == [("load.js", None), (None, 42)]
    assert (found.target[0].address, found.total, found.unit) == ("db:5432", 5, "blocks")


def test_flags_add_to_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "load.toml").write_text('titel = "x"\nunit = "blocks"\ntotal = 7\n[[log]]\npath = "a"\n')
    found = profile_of("load.toml", flags(logs=("b",), total=9))
    assert ([one.path for one in found.log], found.total, found.unit) == (["a", "b"], 9, "blocks")
    assert found.mistakes == ("unknown key `titel`; did you mean title?",)
    assert found.name == "load"


def test_without_a_source_what_is_there_is_looked_at(looks: Looks, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/load.log").write_text("x\n")
    (tmp_path / "only.toml").write_text('unit = "blocks"\nstuck_after = "1m"\n')
    assert call("--profile", "only.toml", "--total=3").exit_code == 0
    (found,) = looks.profiles
    assert [one.path for one in found.log] == ["logs/load.log"]
    assert (found.unit, found.stuck_after, found.total, found.name) == ("blocks", 60, 3, "only")


def test_where_nothing_was_found_is_said(looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    said = f"no log of the last day in {tmp_path}, nor in its tmp, logs or log; DATABASE_URL is not set"
    assert call().stderr == f"warning: {said}\n"
    assert call("--check").stderr == ""


@pytest.fixture
def init(looks: Looks, tmp_path: Path) -> Callable[..., Result]:
    (tmp_path / "load.log").write_text("x\n")
    return lambda *words: call("init", *words)


def test_init_writes_a_profile_that_reads_back_and_never_over_another(
    init: Callable[..., Result], tmp_path: Path
) -> None:
    result = init("nightly")
    assert (result.exit_code, result.stderr) == (0, "wrote monitor/nightly.toml\n")
    assert result.stdout.endswith("  backfill monitor --profile nightly\n")
    text = (tmp_path / "monitor/nightly.toml").read_text()
    assert [one.path for one in profile_of("nightly", flags()).log] == ["load.log"]
    again = init("nightly")
    assert again.exit_code == 2
    assert again.stderr == (
        "error: monitor/nightly.toml is there already; choose another NAME, or overwrite it with --force\n"
    )
    (tmp_path / "monitor/nightly.toml").write_text("mine")
    assert init("nightly").exit_code == 2
    assert (tmp_path / "monitor/nightly.toml").read_text() == "mine"
    assert init("nightly", "--force").exit_code == 0
    assert (tmp_path / "monitor/nightly.toml").read_text() == text


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "-x"])
def test_init_takes_no_path_for_a_name(init: Callable[..., Result], tmp_path: Path, name: str) -> None:
    result = init("--", name)
    assert result.exit_code == 2
    assert not (tmp_path / "monitor").exists()
