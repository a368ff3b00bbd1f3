"""Where the commands begin."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys, types
resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
command = types.ModuleType("{module}")
command.main = lambda: print(resource.getrlimit(resource.RLIMIT_CORE))
sys.modules["{module}"] = command
from {entry} import main
main()
"""


@pytest.mark.parametrize(
    ("entry", "module"),
    [
        ("backfill.entry", "backfill.commands"),
        ("backfill.producers.entry", "backfill.producers.command"),
        ("backfill.workers.entry", "backfill.workers.command"),
    ],
)
def test_no_command_leaves_a_core_file_with_passwords_in_it(entry: str, module: str) -> None:
    script = SCRIPT.format(entry=entry, module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "(0, 8192)\n"
