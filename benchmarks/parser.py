"""Reads a command line, and tells what is wrong with it on one line."""

import argparse
from typing import NoReturn

from backfill.texts import one_line


class Parser(argparse.ArgumentParser):
    """argparse's own repeats a wrong word as it is."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))
