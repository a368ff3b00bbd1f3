"""A profile with mistakes is used for what is right in it, and each mistake is named."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill.errors import NotFoundError, UsageError
from backfill.monitor import profile, profiles
from backfill.monitor.lenient import kept
from backfill.monitor.profile import Profile

GOOD = '[[log]]\npath = "a.log"\n'


def read(tmp_path: Path, text: str) -> Profile:
    file = tmp_path / "load.toml"
    file.write_text(text)
    return profiles.read(str(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("logs = 3", "unknown key `logs`; did you mean log?"),
        ('titel = "x"', "unknown key `titel`; did you mean title?"),
        ('name = "x"', "unknown key `name`; a profile is called after its file"),
        ("mistakes = []", "unknown key `mistakes`; a profile is called after its file"),
        ("[limits]\nattempt = 2", "limits: unknown key `attempt`; did you mean attempts?"),
        ('kind = "databse"', "kind: unknown word 'databse'; did you mean database?"),
        (
            'stuck_after = "soon"',
            "stuck_after: write a duration such as 30s, 10m, 1h30m or 2d; it was left out",
        ),
        (
            "stuck_after = inf",
            "stuck_after: that is longer than any backfill takes; write a duration such as 30s, 10m, 1h30m or 2d; "
            "it was left out",
        ),
        ("total = -1", "total: Input should be greater than or equal to 0; it was left out"),
        ("log = 3", "log: Input should be a valid list; it was left out"),
        ('log = ["a.log"]', "log.1: Input should be a valid dictionary or instance of LogSource; it was left out"),
        ("[[log]]", "log.1: path is missing; it was left out"),
        ("[[command]]\nrun = 5", "command.1.run: Input should be a valid string; it was left out"),
        ('[[command]]\nrun = "x"\nmeasures = "rowz"', "command.1.measures: unknown word 'rowz'; did you mean rows?"),
        ('[[process]]\nname = "x"\npid = 3', "process.1: give one of name, pid and pid_file; it was left out"),
        (
            '[[target]]\naddress = "nowhere"',
            "target.1.address: write host:port, such as db.example.com:5432 or [::1]:5432; it was left out",
        ),
        (
            "stuck_after = " + "9" * 400,
            "stuck_after: that is longer than any backfill takes; write a duration such as 30s, 10m, 1h30m or 2d; "
            "it was left out",
        ),
        ("workers = " + "9" * 400, "workers: Input should be less than or equal to 1000000; it was left out"),
        (
            '[[sql]]\nquery = "q"\ndatabase = "postgresql://joe:geheim@db/x"',
            "sql.1: database takes the NAME of a variable, such as DATABASE_URL, never a URL; it was left out",
        ),
        ("[patterns]\nboom = 3", "patterns.boom: Input should be a valid string; it was left out"),
    ],
)
def test_a_mistake_is_named_and_the_rest_is_used(tmp_path: Path, text: str, said: str) -> None:
    sections = "[[job]]\nid = '1'\n[limits]\nattempts = 9\n" if "[limits]" not in text else "[[job]]\nid = '1'\n"
    found = read(tmp_path, f"unit = 'blocks'\n{text}\n{sections}")
    assert found.mistakes == (said,)
    assert (found.unit, found.job[0].id) == ("blocks", "1")


def test_entries_are_numbered_as_they_stand_whatever_was_left_out_before(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        [[sql]]
        table = "one"
        timeout = "1 fortnight"
        [[sql]]
        [[sql]]
        qurey = "three"
        [[sql]]
        query = "SELECT 4"
        range = "id"
        [[sql]]
        table = "five"
        """,
    )
    assert [one.table for one in found.sql] == ["one", "five"]
    assert found.mistakes == (
        "sql.1.timeout: write a duration such as 30s, 10m, 1h30m or 2d; it was left out",
        "sql.2: give either query or table; it was left out",
        "sql.3: unknown key `qurey`; did you mean query?",
        "sql.4: range, newest, group and value belong to table; a query names its columns itself; it was left out",
        "sql.3: give either query or table; it was left out",
    )


def test_a_section_in_single_brackets_is_one(tmp_path: Path) -> None:
    found = read(tmp_path, '[log]\npath = "a.log"\n')
    assert (found.log[0].path, found.mistakes, found.name) == ("a.log", (), "load")


def test_of_very_many_mistakes_some_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "\n".join(f"x{n} = 1" for n in range(2_000)) + f"\n{GOOD}")
    assert len(found.mistakes) == 51
    assert found.mistakes[-1] == "and 1,950 mistakes more"
    assert found.log


def test_what_is_no_toml_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"load\.toml is not TOML: .*; correct it"):
        read(tmp_path, "[[log")
    for text in ("total = " + "9" * 5_000, "x = " + "[" * 3_000):
        with pytest.raises(UsageError, match=r"load\.toml is not TOML: .*; correct it"):
            read(tmp_path, text)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.toml is not TOML"):
        profiles.read(str(tmp_path / "binary.toml"))


def test_a_name_is_looked_up_in_folders_and_what_there_is_is_said(tmp_path: Path) -> None:
    (tmp_path / "load.toml").write_text("\ufeff" + GOOD)
    assert profiles.read("load", [tmp_path / "none", tmp_path]).log[0].path == "a.log"
    with pytest.raises(
        NotFoundError, match=r"no profile 'lod'; there are load, or write one with: backfill monitor init NAME$"
    ):
        profiles.read("lod", [tmp_path])
    with pytest.raises(NotFoundError, match="no profile 'lod'; write one with: backfill monitor init NAME"):
        profiles.read("lod", [tmp_path / "none"])
    with pytest.raises(NotFoundError, match=r"no profile .*nix\.toml; write one with: backfill monitor init nix"):
        profiles.read(str(tmp_path / "nix.toml"))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("250ms", 0.25), (7, 7), ("1.5 m", 90)]
)
def test_durations(text: object, seconds: float) -> None:
    assert profile.seconds(text) == seconds


words = st.sampled_from([*Profile.model_fields, "path", "run", "query", "table", "pid", "x", "name", "timeout"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words, anything, max_size=6))
@settings(max_examples=300, deadline=None)
def test_whatever_it_holds_something_is_made_of_it(found: dict[str, object]) -> None:
    made, mistakes = kept(Profile, found)
    assert isinstance(made, Profile)
    assert kept(Profile, made.model_dump(exclude_unset=True))[1] == []
    assert all("\n" not in one for one in mistakes)


@pytest.mark.parametrize("file", sorted(profiles.FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_every_profile_that_is_shipped_is_found_by_its_name_and_has_no_mistake(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = profiles.read(file.stem)
    assert found.mistakes == ()
    assert found.sources >= 2
    assert file.name in (file.parent / "README.md").read_text()


@pytest.mark.parametrize("file", sorted(profiles.FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_a_profile_that_is_shipped_takes_no_other_program_for_its_own(file: Path) -> None:
    for one in profiles.read(str(file)).process:
        # A word that says what it loads, or a file; not one that every recorder or worker has.
        assert one.pid_file or one.name in ("backfill-erc1155", "api_sync.py")
