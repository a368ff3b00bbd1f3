"""Commands of operators, given inside this process: starting one for each would take most of a storm's time."""

import os
import sys
from collections.abc import Mapping
from typing import Final
from unittest import mock

import click
from click.testing import CliRunner

MODULE: Final = "tests.storm.definition"


def invoke(command: click.Command, arguments: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, str]:
    # The definition reads the environment once, and this process has had other storms.
    sys.modules.pop(MODULE, None)
    with mock.patch.dict(os.environ, env, clear=True):
        result = CliRunner().invoke(command, list(arguments), prog_name=command.name)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return 1, f"Traceback: {type(result.exception).__name__}: {result.exception}"
    return result.exit_code, result.output
