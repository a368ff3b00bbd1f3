"""Finding and refusing definitions: each refusal says what to correct."""

import sys
from pathlib import Path

import pytest

from backfill import ColumnBackfill, application
from backfill.errors import UsageError

COMPUTE = "    def compute(self, record):\n        return {'value': 1}\n"
GOOD = (
    "class Good(ColumnBackfill):\n    name = 'good'\n    table = 'things'\n    columns = ('value',)\n"
    f"    inputs = 'SELECT id FROM things WHERE id = ANY($1)'\n{COMPUTE}"
)
ABSTRACT = "from abc import ABC, abstractmethod\n" + GOOD.replace("(ColumnBackfill)", "(ColumnBackfill, ABC)").replace(
    "    def", "    @abstractmethod\n    def"
)
NO_INPUTS = GOOD.replace("    inputs = 'SELECT id FROM things WHERE id = ANY($1)'\n", "")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module with the parametrised source; its name."""
    name = f"app_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text("from backfill import ColumnBackfill\n" + request.param)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    return name


@pytest.mark.parametrize("app", [GOOD], indirect=True)
def test_a_module_in_the_current_directory_is_found(app: str) -> None:
    assert list(application.load(app)) == ["good"]
    assert list(application.load(f"{app}:Good")) == ["good"]
    assert isinstance(application.load(app)["good"], ColumnBackfill)


@pytest.mark.parametrize("app", [GOOD + GOOD.replace("Good", "Other").replace("good", "other")], indirect=True)
def test_one_of_several_must_be_named(app: str) -> None:
    found = application.load(app)
    assert application.pick(found, "other").name == "other"
    with pytest.raises(UsageError, match="name one of: good, other"):
        application.pick(found, None)
    with pytest.raises(UsageError, match="unknown backfill 'third'; the app has: good, other"):
        application.pick(found, "third")


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        ("", "has no ColumnBackfill or PartitionBackfill"),
        (GOOD.replace("    name = 'good'\n", ""), "Good sets no 'name'"),
        (GOOD.replace("    table = 'things'\n", ""), "Good sets no 'table'"),
        (GOOD.replace("    columns = ('value',)\n", ""), "Good sets no 'columns'"),
        (GOOD.replace("('value',)", "'value'"), r"write \('value',\)"),
        (GOOD.replace("'good'", "'Not Good'"), "use lower-case letters, digits and _"),
        (GOOD.replace("'good'", "'" + "g" * 41 + "'"), "at most 40"),
        (GOOD + GOOD.replace("Good", "Other"), "two definitions are named 'good'"),
        (NO_INPUTS, "^Good has neither `inputs` nor `load`: give the query that loads what `compute` needs$"),
        (GOOD.replace(COMPUTE, ""), "^Good has no `compute`: write the function from a loaded row to the new values$"),
        (
            GOOD.replace("        return {'value': 1}", "        yield {'value': 1}"),
            "^Good.compute yields: return what it computes$",
        ),
        (GOOD + "    call_size = 0\n", "^Good.call_size is 0: give a number from 1 to 10,000$"),
        (GOOD + "    at_once = True\n", "^Good.at_once is True: give a number from 1 to 1,000$"),
        (GOOD + "    compute_in = 'proceses'\n", "^Good.compute_in is 'proceses': give 'loop'"),
        (
            GOOD.replace("def compute", "async def compute") + "    compute_in = 'processes'\n",
            "^Good.compute is async and compute_in is 'processes': what is awaited runs in the loop; make it",
        ),
        (
            GOOD + "    compute_in = 'threads'\n    async def compute_many(self, records):\n        return []\n",
            "^Good.compute_many is async and compute_in is 'threads'",
        ),
        (
            "def made():\n"
            + "".join(f"    {line}\n" for line in (GOOD + "    compute_in = 'processes'").splitlines())
            + "    return Good\nFound = made()\n",
            r"^Good.compute_in is 'processes', and they cannot import app_\d+:made.<locals>.Good: define the ",
        ),
        (
            GOOD + "    compute_in = 'processes'\nGood.__module__ = '__main__'\n",
            "^Good.compute_in is 'processes', and they cannot import __main__:Good",
        ),
        (
            GOOD + "    def compute_many(self):\n        return []\n",
            "^Good.compute_many is called with the loaded rows: too many positional arguments$",
        ),
        (
            NO_INPUTS + "    async def load(self, connection, keys):\n        yield {}\n",
            "^Good.load yields rows one by one: return a list of them$",
        ),
        (
            GOOD + "    settings = {'TimeZone': 'CET'}\n",
            "^Good.settings names 'TimeZone': only settings of an app",
        ),
        (GOOD + "    settings = {'app.org': 7}\n", r"^Good.settings\['app.org'\] is int: give a str, '7'$"),
        (GOOD + "    settings = ['app.org']\n", "^Good.settings is list: give a dict of str$"),
        (GOOD + "    table = 7\n", "^Good.table is int: give a str$"),
        (GOOD + "    inputs = ['SELECT 1']\n", "^Good.inputs is list: give a str$"),
        (GOOD + "    where = ('t.id > 1',)\n", "^Good.where is tuple: give a str$"),
        (GOOD + "    where = None\n", "^Good.where is NoneType: give a str$"),
        (GOOD + "    reads = 'things'\n", r"^Good.reads must be a tuple: write \('things',\)$"),
        (GOOD + "    version = (1,)\n", r"^Good.version must be a tuple of names, not \(1,\)$"),
        (GOOD + "    columns = ('value', 'value')\n", "^Good.columns names a column twice"),
        (GOOD + "    Parameters = dict\n", r"^Good.Parameters is no pydantic model: write class Parameters\(BaseModel"),
        (
            GOOD.replace("compute(self, record)", "compute(self)"),
            "^Good.compute is called with the loaded row: too many positional arguments$",
        ),
        (
            GOOD + "    def load(self, connection):\n        return []\n",
            "^Good.load is called with a connection and the keys: too many positional",
        ),
        (
            GOOD + "    def __init__(self, factor):\n        self.factor = factor\n",
            r"^Good cannot be made \(TypeError: .*'factor'\): each process makes its own, without arguments",
        ),
        (
            GOOD + "    def __init__(self):\n        import os\n        self.factor = os.environ['NO_SUCH_FACTOR']\n",
            r"^Good cannot be made \(the environment variable 'NO_SUCH_FACTOR' is not set\)",
        ),
        (
            ABSTRACT,
            "^Good is abstract: name a class that has compute$",
        ),
    ],
    indirect=["app"],
)
def test_a_definition_that_cannot_be_is_refused(app: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        application.load(app)


@pytest.mark.parametrize(
    "app", [NO_INPUTS + "    async def load(self, connection, keys):\n        return []\n"], indirect=True
)
def test_a_load_of_its_own_stands_for_the_query(app: str) -> None:
    assert list(application.load(app)) == ["good"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "no app given; pass --app"),
        ("no.such.module", "cannot import app 'no.such.module'.*; pass --app module:Class, where the module can be"),
        (
            "made.py",
            "cannot import app 'made.py', which is a path; give the module's name .*: --app made$",
        ),
        ("./folder/made.py", "give the module's name where it can be imported: --app made$"),
        ("json:JSONDecoder", "is no ColumnBackfill or PartitionBackfill; json has none"),
        ("json:nothing", "is no ColumnBackfill or PartitionBackfill"),
        ("json", "has no ColumnBackfill or PartitionBackfill"),
        ("..", "cannot import app"),
        ("a b", "cannot import app"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        application.load(name)


@pytest.mark.parametrize(
    ("app", "why"),
    [
        ("raise RuntimeError('broken on import')\n", "RuntimeError: broken on import"),
        ("import no_such_library\n", "No module named 'no_such_library'"),
        ("def (\n", "SyntaxError: "),
        ("import os\nos.environ['NO_SUCH_FACTOR']\n", "the environment variable 'NO_SUCH_FACTOR' is not set"),
        ("{}['NO_SUCH_FACTOR']\n", "KeyError: 'NO_SUCH_FACTOR'"),
        ("import sys\nsys.exit(3)\n", "it ends the process: SystemExit 3"),
        ("class Error(Exception):\n    def __str__(self):\n        1 / 0\nraise Error\n", "Error: <Error without a"),
    ],
    indirect=["app"],
)
def test_an_app_that_fails_on_import_is_refused_with_its_error(app: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"cannot import app.*{why}.*; correct the module, or install what it needs$"):
        application.load(app)


HEIR = "class Heir(Good):\n    name = 'heir'\n"


@pytest.mark.parametrize(
    "app",
    [
        GOOD.replace("    name = 'good'\n", "") + HEIR,
        ABSTRACT + HEIR + COMPUTE,
    ],
    indirect=True,
)
def test_a_base_of_definitions_is_none_itself(app: str) -> None:
    assert list(application.load(app)) == ["heir"]


OTHER = GOOD.replace("Good", "Other").replace("'good'", "'other'")
THIRD = GOOD.replace("Good", "Third").replace("'good'", "'third'").replace("'things'", "'boxes'")


@pytest.mark.parametrize("app", [GOOD + OTHER.replace("'things'", "'public.things'") + THIRD], indirect=True)
def test_definitions_that_write_the_same_column_are_named(app: str) -> None:
    found = application.load(app)
    (sentence,) = application.rivals(found)
    assert sentence.startswith("good, other write the same column, value of things: ")
    assert application.rivals(found, "other") == [sentence]
    assert application.rivals(found, "third") == []


def test_a_fingerprint_changes_with_what_is_declared() -> None:
    class First(ColumnBackfill):
        name, table, columns = "first", "things", ("value",)

    class Second(First):
        inputs = "SELECT 1"

    assert First().fingerprint() == First().fingerprint()
    assert First().fingerprint() != Second().fingerprint()
    assert Second().target_column == "value"
