"""Bring an installation up to date, open it, and close it again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from limen.app.background import Background
from limen.app.bootstrap import (
    Administrator,
    ensure_administrator,
    ensure_default_tenant,
    seed_providers,
)
from limen.app.runtime import Runtime
from limen.crypto.check_seal import check_seal
from limen.db.migrate import current, head, migrate
from limen.kernel import failpoints
from limen.kernel.errors import ConfigurationError, Unavailable
from limen.settings import Settings

KILLED: Final = 137
"""The exit code of a process that SIGKILL ended, as shells tell it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What preparing did.

    Args:
        revision: Of the schema, now.
        administrator: If one was made; its password is told once.
    """

    revision: str
    administrator: Administrator | None


async def prepare(runtime: Runtime, *, told: Callable[[str], None] = lambda _: None) -> Prepared:
    """Migrate the database and see that a default tenant is there.

    Safe to repeat, and for several processes at once. In development also the first
    administrator and the simulated providers.

    Args:
        runtime: Opened and closed by this call.
        told: Progress, a line at a time.

    Raises:
        ConfigurationError: If the database can't be reached, or was sealed with another key.
    """
    await runtime.works.database.open()
    try:
        revision = await _up_to_date(runtime, told)
        told("checking the sealing key")
        await check_seal(runtime.works, runtime.keys)
        await ensure_default_tenant(runtime)
        await seed_providers(runtime)
        administrator = (
            await ensure_administrator(runtime) if runtime.settings.is_development else None
        )
    finally:
        await runtime.works.database.close()
    return Prepared(revision, administrator)


async def _up_to_date(runtime: Runtime, told: Callable[[str], None]) -> str:
    """Migrate if need be: what migrates weighs 10 MB, and a process keeps what it loads."""
    with contextlib.suppress(Unavailable):  # migrating says why
        found = await current(runtime.works)
        _refuse_newer(found)
        if found == head():
            return found
        if found:  # with another key nothing is changed
            await check_seal(runtime.works, runtime.keys)
    told("migrating the database")
    return await migrate(runtime.settings.database.url.reveal())


async def open_runtime(runtime: Runtime, *, mending: bool = False) -> None:
    """Open what one process uses, and refuse to if the installation is not in order.

    Args:
        runtime: Opened.
        mending: Whether the default tenant's policy may be out of order: to mend it.

    Raises:
        ConfigurationError: If the schema is another version's, or the sealing key is wrong.
    """
    arm_failpoints(runtime.settings)
    await runtime.works.database.open()
    try:
        await _check_schema(runtime)
        await check_seal(runtime.works, runtime.keys)
        if not mending:
            await runtime.directory.default()
        await runtime.clock_watch.look()
    except BaseException:
        await runtime.works.database.close()
        raise


def arm_failpoints(settings: Settings) -> None:
    """Have this process end, as a power cut would end it, at the points a fault test names."""
    if settings.is_development and settings.development.failpoints:
        names = settings.development.failpoints.split(",")
        failpoints.arm((name.strip() for name in names), lambda: os._exit(KILLED))


async def close_runtime(runtime: Runtime, background: Background) -> None:
    """Stop the loops, then close what they used."""
    await background.end()
    await runtime.net.close()
    runtime.hasher.close()
    await runtime.works.database.close()


async def _check_schema(runtime: Runtime) -> None:
    found, needed = await current(runtime.works), head()
    if found == needed:
        return
    _refuse_newer(found)
    raise ConfigurationError(
        f"The database is at schema {found or 'none'}, this version needs {needed}; "
        "run `limen migrate`."
    )


def _refuse_newer(found: str) -> None:
    if found > head():
        raise ConfigurationError(
            f"The database is at schema {found}, newer than this version's {head()}; "
            "run the newer version of Limen."
        )
