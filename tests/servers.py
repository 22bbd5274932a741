"""Real server processes for tests: `limen serve` on loopback, and its command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from limen.testing.processes import free_port
from tests import warm
from tests.warm import Warm

START_SECONDS: Final = 60
PASSWORD: Final = "correct horse battery staple 42"


class Server:
    """One installation: its environment, its processes, its command line.

    Args:
        folder: Its data directory and log.
        database_url: SQLite or PostgreSQL; an empty one is migrated at start.
        settings: More of the environment, by its full names.
        cold: Started from nothing, as operators do: for whoever measures it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        settings: dict[str, str] | None = None,
        cold: bool = False,
    ) -> None:
        self._cold = cold
        self.folder = folder
        self.port = free_port()
        self.base_url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | Warm | None = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LIMEN_ENVIRONMENT": "development",
            "LIMEN_DATA_DIR": str(folder / "data"),
            "LIMEN_PORT": str(self.port),
            "LIMEN_BASE_URL": self.base_url,
            "LIMEN_METRICS_WHERE": "path",
            "LIMEN_LOG_FORMAT": "json",
            **({"LIMEN_DATABASE_URL": database_url} if database_url else {}),
            **(settings or {}),
        }

    @property
    def log(self) -> str:
        """Everything the server wrote."""
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self, *, command: tuple[str, ...] = ("serve",)) -> None:
        """Start and wait until it is ready."""
        with (self.folder / "server.log").open("ab") as log, Path(os.devnull).open("rb") as nothing:
            self._process = self._launch(command, (nothing, log, log))
        self._wait_until_ready()

    def _launch(
        self, command: tuple[str, ...], files: tuple[IO[bytes], IO[bytes], IO[bytes]]
    ) -> subprocess.Popen[bytes] | Warm:
        if not self._cold:
            return Warm(command, env=self.environment, cwd=self.folder, files=files)
        return subprocess.Popen(
            [sys.executable, "-m", "limen", *command],
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
            env=self.environment,
            cwd=self.folder,
        )

    def stop(self) -> int:
        """Ask it to end, as a supervisor does; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def wait_dead(self, seconds: float = 30) -> int:
        """Wait until it ended by itself; return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def cli(self, *arguments: str, stdin: str = "", check: bool = True) -> Any:
        """Run a command with ``--json`` and return what it printed, read."""
        done = self.run_cli(*arguments, "--json", stdin=stdin)
        if check and done.returncode:
            raise AssertionError(
                f"limen {arguments}: {done.returncode}\n{done.stderr}\n{done.stdout}"
            )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run_cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command; return its output and exit code."""
        return warm.run(arguments, env=self.environment, cwd=self.folder, stdin=stdin, timeout=60)

    def create_user(self, email: str, *more: str, password: str = PASSWORD) -> Any:
        """Create a verified user."""
        return self.cli(
            "user", "create", email, "--password-stdin", "--verified", *more, stdin=password
        )

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        for _ in range(START_SECONDS * 20):
            if self._answers():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(0.05)
                raise AssertionError(f"the server ended with {code}:\n{self.log[-3000:]}")
        raise AssertionError(f"the server is not ready:\n{self.log[-3000:]}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextlib.contextmanager
def running(
    folder: Path, *, database_url: str = "", settings: dict[str, str] | None = None
) -> Iterator[Server]:
    """Yield a started server; end it whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, database_url=database_url, settings=settings)
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.stop()
