"""The supervisor sleeps until something happened, and misses nothing that did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from limen.cli.serving.signals import Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    before = [signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)]
    made = Signals()
    yield made
    made.close()
    assert [signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)] == before


def test_nothing_happened(signals: Signals) -> None:
    assert signals.wait(0) is False
    assert signals.asked == []


def test_a_child_that_ends_wakes(signals: Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert signals.wait(0) is False
        assert child.stdin is not None
        child.stdin.close()
        assert signals.wait()  # without an end: who is not woken hangs here
        child.wait()
    assert signals.asked == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_came_before_the_wait_ends_it(signals: Signals, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert signals.wait() is True
    assert set(signals.asked) == {number}
    assert signals.wait(0) is False
