"""Processes are found by what they were started with, signalled only while they are the same, told from the dead."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from backfill.services import process

NAME, VALUE = "BACKFILL_TEST_MARK", str(os.getpid())


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that waits, and that nobody reaps before the test has ended."""
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={NAME: VALUE})
    until = time.monotonic() + 10
    while not psutil.Process(started.pid).cmdline() and time.monotonic() < until:
        os.sched_yield()  # it is there before its command line is
    yield started
    started.kill()
    started.communicate()


def test_a_process_is_found_by_what_it_carries(child: "subprocess.Popen[bytes]") -> None:
    assert [one.pid for one in process.carrying(NAME, VALUE)] == [child.pid]
    assert process.carrying(NAME, VALUE + "0") == []
    assert child.pid in [one.pid for one in process.family(psutil.Process())]


def test_an_id_is_believed_only_with_the_command_line(child: "subprocess.Popen[bytes]") -> None:
    found = process.started_with(child.pid, "input()")
    assert found is not None
    assert found.pid == child.pid
    assert process.started_with(child.pid, "another") is None


def test_one_that_nobody_reaps_has_ended(child: "subprocess.Popen[bytes]") -> None:
    running = psutil.Process(child.pid)
    assert not process.ended(running)
    assert not process.unreaped(child.pid)

    process.kill([running])

    assert process.ended(running)
    assert process.unreaped(child.pid)
    assert process.started_with(child.pid, "input()") is None
    assert process.carrying(NAME, VALUE) == []
    assert child.wait(10) == -signal.SIGKILL, "its exit code was left to whoever started it"
    assert process.ended(running)
    assert not process.unreaped(child.pid)
    assert process.started_with(child.pid, "input()") is None


def test_one_that_goes_on_is_waited_for_until_the_deadline_and_one_that_has_gone_is_left_alone(
    child: "subprocess.Popen[bytes]",
) -> None:
    running = psutil.Process(child.pid)
    assert not process.wait_ended([running], deadline=0.05)
    child.kill()
    child.wait(10)
    process.send(running, signal.SIGTERM)
    assert process.family(running) == [running]
    assert process.wait_ended([running], deadline=0)
