"""What is installed is pinned by hash, listed, and under licences that somebody has looked at."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.support import audit

ROOT = Path(__file__).parents[2]
PINS = ("constraints.txt", "requirements.txt", "deploy/requirements.txt", "benchmarks/requirements.txt")
ALLOWED: dict[str, Any] = {
    "permissive": ["MIT", "Apache-2.0", "ISC License (ISCL)"],
    "others": {"certifi": ["MPL-2.0", "why"]},
}


def pinned(name: str) -> dict[str, set[str]]:
    """Each package with its version in a file, and the hashes it may have."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        requirement, *hashes = line.split("--hash=")
        found[requirement.strip()] = {one.strip() for one in hashes}
    return found


def versions(name: str) -> dict[str, str]:
    return dict(line.partition(" ")[0].split("==") for line in pinned(name))


@pytest.mark.parametrize("name", PINS)
def test_every_package_that_is_installed_has_its_hashes_and_no_host(name: str) -> None:
    assert len(pinned(name)) > 10
    for line, hashes in pinned(name).items():
        assert re.match(r"[a-z0-9-]+==\S+( ; |$)", line), line
        assert hashes, f"{line} has no hash"
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in hashes)
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", PINS[1:])
def test_all_files_of_pins_agree(name: str) -> None:
    everything = {line.partition(" ")[0]: hashes for line, hashes in pinned("constraints.txt").items()}
    for line, hashes in pinned(name).items():
        version = line.partition(" ")[0]
        shared = version.partition("==")[0] in versions("constraints.txt")
        assert everything[version] == hashes if shared else name.startswith("benchmarks"), line


@pytest.mark.parametrize(
    ("name", "extras", "groups"),
    [
        ("constraints.txt", ("metrics", "services", "examples", "embeddings"), ("build", "audit", "dev")),
        ("requirements.txt", ("metrics", "services"), ("build",)),
        ("deploy/requirements.txt", ("metrics",), ("build",)),
    ],
)
def test_what_the_project_asks_for_is_pinned_as_it_asks(
    name: str, extras: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"])
    for extra in extras:
        wanted += project["project"]["optional-dependencies"][extra]
    for group in groups:
        wanted += [one for one in project["dependency-groups"][group] if isinstance(one, str)]
    found = versions(name)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(found[requirement.name.lower()]), f"{requirement}: make constraints"


def test_whatever_installs_asks_for_the_hashes() -> None:
    """Of a local folder there is no hash: it comes last, and brings nothing along."""
    places = ("Makefile", "README.md", "deploy/compose.yml", ".ci/run", "docs/deploying.md")
    commands = [
        line
        for place in places
        for line in (ROOT / place).read_text().splitlines()
        if re.search(r"pip install (-|--)|LOCKED\)|LOCKED :=", line)
    ]
    assert len(commands) > 6
    for command in commands:
        assert re.search(r"--require-hashes|LOCKED\)|--no-deps --no-build-isolation", command), command


def test_the_bill_of_materials_lists_every_pinned_package_with_its_hashes(tmp_path: Path) -> None:
    found = audit.bill(tmp_path / "dist" / "sbom.json")
    listed = {one["name"]: one for one in found}
    assert listed.keys() == versions("requirements.txt").keys()
    for line, hashes in pinned("requirements.txt").items():
        (distribution,) = listed[line.partition("==")[0]]["externalReferences"]
        assert {f"sha256:{one['content']}" for one in distribution["hashes"]} == hashes
    assert json.loads((tmp_path / "dist" / "sbom.json").read_text())["bomFormat"] == "CycloneDX"


def test_every_licence_here_has_been_looked_at() -> None:
    found = audit.licences()
    assert {"aio-pika", "pytest", "certifi", "pip"} <= found.keys()
    assert audit.wrong_licences(found, tomllib.loads((ROOT / "licences.toml").read_text())) == []


@pytest.mark.parametrize(
    ("package", "licence", "said"),
    [
        ("one", "MIT", ""),
        ("one", "MIT AND Apache-2.0", ""),
        ("one", "(GPL-3.0 OR MIT) AND Apache-2.0", ""),
        ("one", "ISC License (ISCL)", ""),
        ("one", "GPL-3.0", "one is under GPL-3.0: put it into licences.toml with a reason, or do without it"),
        ("one", "MIT AND GPL-3.0", "one is under MIT AND GPL-3.0: put it"),
        ("one", "MIT; GPL-3.0", "one is under MIT; GPL-3.0: put it"),
        ("one", "UNKNOWN", "one is under UNKNOWN: put it"),
        ("certifi", "AGPL-3.0", "certifi is under AGPL-3.0 now, no longer MPL-2.0"),
    ],
)
def test_a_licence_that_nobody_has_looked_at_is_named(package: str, licence: str, said: str) -> None:
    wrong = audit.wrong_licences({"certifi": "MPL-2.0", package: licence}, ALLOWED)
    assert len(wrong) == bool(said)
    assert "".join(wrong).startswith(said)


def test_an_exception_for_what_is_not_there_is_named() -> None:
    assert audit.wrong_licences({}, ALLOWED) == ["certifi is in licences.toml, but not installed"]


def test_a_source_that_does_not_answer_is_no_clean_bill() -> None:
    skipped = {"name": "click", "skip_reason": "Dependency not found"}
    silent = "nothing was compared, no source of advisories can be reached"
    assert audit.advisories("", "no route") == (f"{silent} (no route)", [])
    assert audit.advisories(json.dumps({"dependencies": [skipped]}), "")[0] == f"{silent} (Dependency not found)"
    clean = {"name": "idna", "version": "3", "vulns": []}
    bad = {"name": "pip", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
    assert audit.advisories(json.dumps({"dependencies": [skipped, clean, bad]}), "") == (
        "2 of 3 packages compared, 1 known vulnerabilities",
        ["pip 1: PYSEC-1"],
    )
