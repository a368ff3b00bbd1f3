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
        ("", "has no ColumnBackfill class"),
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
            GOOD.replace("def compute", "async def compute"),
            "^Good.compute is async: make it a plain function, and await what it needs in `load`$",
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
        ("no.such.module", "cannot import app 'no.such.module'"),
        ("json:JSONDecoder", "is no ColumnBackfill class; json has none"),
        ("json:nothing", "is no ColumnBackfill class"),
        ("json", "has no ColumnBackfill class"),
        ("..", "cannot import app"),
        ("a b", "cannot import app"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        application.load(name)


@pytest.mark.parametrize("app", ["raise RuntimeError('broken on import')\n", "def (\n"], indirect=True)
def test_an_app_that_fails_on_import_is_refused_with_its_error(app: str) -> None:
    with pytest.raises(UsageError, match="cannot import app"):
        application.load(app)


def test_a_fingerprint_changes_with_what_is_declared() -> None:
    class First(ColumnBackfill):
        name, table, columns = "first", "things", ("value",)

    class Second(First):
        inputs = "SELECT 1"

    assert First().fingerprint() == First().fingerprint()
    assert First().fingerprint() != Second().fingerprint()
    assert len(First().fingerprint()) == 16
    assert Second().target_column == "value"
