"""A Python that has imported Limen once and forks whoever asks: a process without its start.

Four fifths of what a command costs is importing, each time the same. What is forked is a process
like any other: its own pid, environment, files, signals and exit status, and kill -9 ends it.
That ``python -m limen`` comes up from nothing is held by ``tests/unit/cli/test_serve.py``.

As a script it is the keeper, ``warm.py keep SOCKET``, or the command line of somebody who has
only a path: ``warm.py run SOCKET ARGUMENT...``. As a script it imports neither this package nor,
before it has to, Limen.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

_PRELOADED: Final = (
    "limen.cli.program",
    "limen.cli.inside",
    "limen.app.compose",
    "limen.app.start",
    "limen.cli.serving.one_process",
    "limen.embed",
    "alembic.command",
    "uvloop",
)
"""What serving needs; all else a child imports itself, as it would anyway."""

_STANDARD: Final = 3
"""Input, output and errors."""


class Warm:
    """A running ``python -m limen ...``, with what the tests use of ``subprocess.Popen``.

    Args:
        arguments: After ``limen``.
        env: Its whole environment.
        cwd: Its working folder.
        files: Its standard input, output and errors.
        at: The keeper's socket; this process's own by default.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        files: Sequence[IO[bytes]],
        at: str = "",
    ) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._told = b""
        self._keeper = socket.socket(socket.AF_UNIX)
        self._keeper.connect(at or keeper())
        socket.send_fds(self._keeper, [b"!"], [file.fileno() for file in files])
        wanted = {"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}
        self._keeper.sendall(json.dumps(wanted).encode() + b"\n")
        self.pid = self._hear(None)

    def poll(self) -> int | None:
        """Return its exit status, if it has ended."""
        if self.returncode is None and self._lock.acquire(blocking=False):
            try:
                self._end(0)
            except subprocess.TimeoutExpired:
                return None
            finally:
                self._lock.release()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; return its exit status, negative for a signal's number.

        Raises:
            subprocess.TimeoutExpired: If it goes on.
        """
        with self._lock:
            return self._end(timeout)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.send_signal(signal.SIGKILL)

    def _end(self, timeout: float | None) -> int:
        if self.returncode is None:
            self.returncode = self._hear(timeout)
            self._keeper.close()
        return self.returncode

    def _hear(self, timeout: float | None) -> int:
        """Read one number from the keeper: first the pid, at the end the exit status."""
        self._keeper.settimeout(timeout)
        while b"\n" not in self._told:
            try:
                heard = self._keeper.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("limen", timeout or 0) from None
            if not heard:
                raise RuntimeError("the keeper of warm processes is gone")
            self._told += heard
        number, _, self._told = self._told.partition(b"\n")
        return int(number)


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; return what it said."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(_STANDARD)]
        files[0].write(stdin.encode())
        files[0].seek(0)
        made = Warm(arguments, env=env, cwd=cwd, files=files)
        try:
            status = made.wait(timeout)
        except subprocess.TimeoutExpired:
            made.kill()
            raise
        for file in files:
            file.seek(0)
        _, out, err = (file.read().decode() for file in files)
        return subprocess.CompletedProcess(list(arguments), status, out, err)


def command(folder: Path) -> Path:
    """Write a program ``limen`` into a folder; it does what the installed one does, but warm."""
    made = folder / "limen"
    made.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" run "{keeper()}" "$@"\n')
    made.chmod(0o755)
    return made


@functools.cache
def keeper() -> str:
    """Start the keeper of this test process, which lives as long; return its socket."""
    folder = tempfile.mkdtemp(prefix="limen-warm-")
    path = f"{folder}/socket"
    lifeline, _held = os.pipe()  # held open until this process ends, however it does
    kept = subprocess.Popen(
        [sys.executable, __file__, "keep", path],
        stdin=lifeline,
        stdout=subprocess.PIPE,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        cwd=folder,
    )
    os.close(lifeline)
    assert kept.stdout is not None
    with kept.stdout as said:
        if said.readline() != b"ready\n":
            raise RuntimeError("the keeper of warm processes did not start; its message is above")
    kept.returncode = 0  # it ends after this process
    return path


class _Keeper:
    """Forks, and tells each one's owner its pid and its exit status.

    An owner who is gone needs no process: it is killed.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._owners: dict[int, socket.socket] = {}
        self._watched = selectors.DefaultSelector()
        self._ended, self._wake = socket.socketpair()
        for end in (self._ended, self._wake):
            end.setblocking(False)
        for watched in (listening, self._ended, sys.stdin):
            self._watched.register(watched, selectors.EVENT_READ)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno())

    def keep(self) -> list[str] | None:
        """Serve; return in each child with its arguments, and at the keeper's end with None."""
        while True:
            for key, _ in self._watched.select():
                if key.fileobj is self._listening:
                    wanted = self._fork()
                    if wanted is not None:
                        return wanted
                elif key.fileobj is self._ended:
                    self._reap()
                elif key.fileobj is sys.stdin:
                    return None
                elif isinstance(key.data, int) and key.data in self._owners:
                    os.kill(key.data, signal.SIGKILL)
                    self._watched.unregister(key.fileobj)

    def end(self) -> None:
        """Kill whoever is left."""
        for pid in self._owners:
            os.kill(pid, signal.SIGKILL)

    def _fork(self) -> list[str] | None:
        owner, _ = self._listening.accept()
        _, files, _, _ = socket.recv_fds(owner, 1, _STANDARD)
        with owner.makefile("rb") as said:
            wanted = json.loads(said.readline())
        pid = os.fork()
        if pid:
            for file in files:
                os.close(file)
            self._owners[pid] = owner
            self._watched.register(owner, selectors.EVENT_READ, pid)
            owner.sendall(b"%d\n" % pid)
            return None
        for held in (self._listening, self._ended, self._wake, owner, *self._owners.values()):
            held.close()
        self._become(files, wanted["env"], wanted["cwd"])
        return list(wanted["arguments"])

    def _become(self, files: list[int], env: dict[str, str], cwd: str) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._watched.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)

    def _reap(self) -> None:
        self._ended.recv(4096)
        while self._owners:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            owner = self._owners.pop(pid)
            with contextlib.suppress(KeyError):
                self._watched.unregister(owner)
            with contextlib.suppress(OSError):
                owner.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            owner.close()


def _keep(path: str) -> None:
    import gc  # noqa: PLC0415 -- the keeper's alone
    import importlib  # noqa: PLC0415 -- as above

    gc.disable()
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    assert threading.active_count() == 1, "a fork would take none of these threads along"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        made = _Keeper(listening)
        arguments = made.keep()
    if arguments is None:
        made.end()
        shutil.rmtree(Path(path).parent, ignore_errors=True)
        os._exit(0)
    sys.argv[:] = ["limen", *arguments]
    runpy.run_module("limen", run_name="__main__", alter_sys=True)


def _run(path: str, arguments: list[str]) -> int:
    files = (sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)
    made = Warm(arguments, env=os.environ, cwd=Path.cwd(), files=files, at=path)
    status = made.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        _keep(sys.argv[2])
    else:
        sys.exit(_run(sys.argv[2], sys.argv[3:]))
