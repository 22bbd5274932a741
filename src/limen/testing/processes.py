"""Server processes for tests: a start that waits for an answer, a stop that is sure."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_LOG_TAIL_BYTES: Final = 4000
_FIRST_PORT: Final = 10_000
_PORTS: Final = 22_000
_given: Final[set[int]] = set()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now.

    It is none of those that the system gives to whoever wants any: until somebody listens on it
    it would be given again.
    """
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)  # never seeded: others choose beside us
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def answers(port: int) -> bool:
    """Say whether something accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a process.

    Args:
        command: The program and its arguments.
        log: Where its output goes; the end of it is quoted when the start fails.
        ready: Says whether it serves.
        cwd: Its working folder.
        env: Its whole environment.
        user: For a process that must not run as the superuser: what ``Popen`` takes as
            ``user``, ``group`` and ``extra_groups``.
        stop_signal: Asks it to end; SIGKILL follows if it does not.
    """

    command: Sequence[str | Path]
    log: Path
    ready: Callable[[], bool]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    user: Mapping[str, Any] | None = None
    stop_signal: int = signal.SIGTERM


def start(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a process and return once it serves.

    Raises:
        RuntimeError: If it ends, or does not serve in time; with the end of its log.
    """
    with launch.log.open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in launch.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=launch.cwd,
            env=None if launch.env is None else dict(launch.env),
            start_new_session=True,  # a Ctrl-C for pytest is not one for the service
            **(launch.user or {}),
        )
    deadline = time.monotonic() + START_SECONDS
    while not launch.ready():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process, launch.stop_signal)
            said = launch.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
            raise RuntimeError(f"{launch.command[0]} did not start:\n{said}")
        time.sleep(_POLL_SECONDS)
    return process


def stop(process: subprocess.Popen[bytes], stop_signal: int = signal.SIGTERM) -> None:
    """End a process: ask, wait, then kill. Returns once it is gone."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@contextlib.contextmanager
def running(launch: Launch) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for the length of a block."""
    process = start(launch)
    try:
        yield process
    finally:
        stop(process, launch.stop_signal)
