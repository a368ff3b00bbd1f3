"""What the toolkit is made of: its bill of materials, the licences in it, and what is known against them.

`make audit` runs it. Exit code 1 means a licence that nobody has looked at, or a known vulnerability.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
BILL: Final = ROOT / "dist" / "sbom.cdx.json"


def main() -> int:
    problems = []
    components = bill(BILL)
    print(f"{BILL.relative_to(ROOT)}: {len(components)} components of requirements.txt with their hashes (CycloneDX)")

    found = licences()
    problems += wrong_licences(found, tomllib.loads((ROOT / "licences.toml").read_text()))
    print(f"licences: {len(found)} packages compared with licences.toml")

    said, vulnerable = advisories(*_asked())
    problems += vulnerable
    print(f"advisories: {said}")

    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


def bill(file: Path) -> list[dict[str, Any]]:
    """Write the bill of materials of an installation, and return its components."""
    file.parent.mkdir(exist_ok=True)
    of = [str(ROOT / "requirements.txt"), f"--pyproject={ROOT / 'pyproject.toml'}", "--output-reproducible"]
    done = _run("cyclonedx-py", "requirements", *of, f"--output-file={file}")
    if done.returncode:
        sys.exit(done.stderr)
    components: list[dict[str, Any]] = json.loads(file.read_text())["components"]
    return components


def licences() -> dict[str, str]:
    """What the packages of constraints.txt say their licence is; others may be here for the benchmarks."""
    pinned = {_name(name) for name in re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)}
    printed = _run("pip-licenses", "--format=json", "--with-system").stdout
    return {_name(one["Name"]): one["License"] for one in json.loads(printed) if _name(one["Name"]) in pinned}


def wrong_licences(found: dict[str, str], allowed: dict[str, Any]) -> list[str]:
    """What is installed under a licence that licences.toml does not have, and what is there for nothing."""
    others: dict[str, list[str]] = allowed["others"]
    permissive, wrong = set(allowed["permissive"]), []
    for package, licence in found.items():
        parts = [part.split(" OR ") for part in re.split(r" AND |; ", licence)]
        plain = all(permissive & {*part, *(one.strip("()") for one in part)} for part in parts)
        if package in others and licence != others[package][0]:
            wrong.append(f"{package} is under {licence} now, no longer {others[package][0]}: look at it again")
        elif package not in others and not plain:
            wrong.append(f"{package} is under {licence}: put it into licences.toml with a reason, or do without it")
    return wrong + [f"{package} is in licences.toml, but not installed" for package in others.keys() - found.keys()]


def advisories(printed: str, error: str) -> tuple[str, list[str]]:
    """What pip-audit found out, in one sentence, and each vulnerability."""
    try:
        packages = json.loads(printed)["dependencies"]
    except ValueError:
        return f"nothing was compared, no source of advisories can be reached ({error})", []
    # Where its source does not answer for a package, pip-audit calls that a success.
    asked = [one for one in packages if "skip_reason" not in one]
    if not asked:
        reason = packages[0]["skip_reason"] if packages else "no packages"
        return f"nothing was compared, no source of advisories can be reached ({reason})", []
    known = [f"{one['name']} {one['version']}: {bad['id']}" for one in asked for bad in one["vulns"]]
    return f"{len(asked)} of {len(packages)} packages compared, {len(known)} known vulnerabilities", known


def _asked() -> tuple[str, str]:
    of = ("--requirement", str(ROOT / "constraints.txt"), "--disable-pip", "--require-hashes")
    try:
        done = _run("pip-audit", *of, "--format=json", "--progress-spinner=off")
    except subprocess.TimeoutExpired as error:
        return "", f"no answer within {error.timeout:.0f} s"
    return done.stdout, (done.stderr.strip().splitlines() or ["no output"])[-1]


def _name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / program), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


if __name__ == "__main__":
    sys.exit(main())
