"""Fixtures every test may ask for, and the guards that hold for all of them."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from limen.db.engines import open_database
from limen.db.work import Works
from limen.kernel.site import Site
from limen.testing.clock import FrozenClock
from tests.certificates import authority
from tests.databases import Services

# How long an example takes says how busy the machine is, nothing else.
hypothesis.settings.register_profile("limen", deadline=None)
hypothesis.settings.load_profile("limen")

SERVICES = pytest.StashKey[Services]()


MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 * 2**30


def keep_off_the_disk() -> None:
    """Have temporary files in memory where there is room: every commit waits for its disk."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # or it remembers what it found before


def believe_nobody(folder: Path) -> None:
    """Have OpenSSL load one authority, of nobody's, for no test leaves this machine.

    Those the machine has take twenty milliseconds, for every client that a test makes.
    """
    file = folder / "authority.pem"
    file.write_bytes(authority("Nobody").pem)
    os.environ |= {"SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(folder)}


def pytest_configure(config: pytest.Config) -> None:
    """Share one folder among all processes of the run; xdist's workers are told which."""
    told = getattr(config, "workerinput", {})
    if told:
        config.stash[SERVICES] = Services(Path(told["services"]), told["run_pid"])
    else:
        keep_off_the_disk()
        folder = Path(tempfile.mkdtemp(prefix="limen-tests-"))
        believe_nobody(folder)
        config.stash[SERVICES] = Services(folder, os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    services = node.config.stash[SERVICES]
    node.workerinput |= {"services": str(services.folder), "run_pid": services.run_pid}


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and SERVICES in config.stash:
        config.stash[SERVICES].end()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave this machine: no test may depend on the world."""

    def guarded(original: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
                raise AssertionError(f"a test reaches out to {address[0]}")
            return original(self, address)

        return connect

    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    yield
    patch.undo()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def site() -> Site:
    return Site(tenant_id="testtenant", slug="default", issuer="http://localhost:8000", path="")


@pytest.fixture
def services(pytestconfig: pytest.Config) -> Services:
    return pytestconfig.stash[SERVICES]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Both engines, always: a test that asks for a database runs on each."""
    return str(request.param)


@pytest.fixture
async def database_url(engine_name: str, services: Services, tmp_path: Path) -> AsyncIterator[str]:
    """A database of the test's own, with all tables and no rows."""
    if engine_name == "sqlite":
        yield services.sqlite_database(tmp_path)
    else:
        async with services.lent_postgres() as url:
            yield url


@pytest.fixture
async def works(database_url: str, clock: FrozenClock) -> AsyncIterator[Works]:
    database = open_database(database_url)
    await database.open()
    yield Works(database, clock)
    await database.close()
