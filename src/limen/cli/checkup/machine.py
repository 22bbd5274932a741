"""Files and neighbours: the data directory, keys on disk, mail, cache."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from limen.cli.checkup.finding import Finding, ok, problem, warning
from limen.settings.sections import split_secret_url

if TYPE_CHECKING:
    from limen.kernel.secret import Secret
    from limen.settings import Settings

_REACH_SECONDS: Final = 3.0
_PORTS: Final = {"smtp": 587, "smtps": 465, "redis": 6379, "rediss": 6379}


def look_at_files(settings: Settings) -> Iterator[Finding]:
    """Look at the data directory and at what others must not read."""
    where = settings.data_dir
    if not where.exists():
        yield warning("data directory", f"{where} does not exist yet; it is made at the start.")
    elif not where.is_dir() or not os.access(where, os.W_OK | os.X_OK):
        yield problem("data directory", f"{where} is not a directory this user can write to.")
    else:
        yield ok("data directory", str(where))
    yield from _private_files(settings)
    if settings.net.ca_bundle is not None:
        yield _bundle(settings.net.ca_bundle)


def _private_files(settings: Settings) -> Iterator[Finding]:
    key = settings.keys.master_key_file
    if settings.keys.master_key is not None:
        yield ok("sealing key", "from the environment")
    elif not key.exists():
        yield warning("sealing key", f"{key} does not exist yet; it is made at the first start.")
    elif stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield problem("sealing key", f"{key} can be read by others; run chmod 600 {key}.")
    else:
        yield ok("sealing key", str(key))
    database = settings.database.sqlite_path
    if database is not None and _is_open_to_all(database):
        yield warning("database file", f"{database} can be read by everyone; run chmod 600.")


def _is_open_to_all(file: Path) -> bool:
    """Say whether anybody on this machine can read a file: it, and the way to it, being open."""
    if not file.exists() or not file.stat().st_mode & 0o004:
        return False
    return bool(file.absolute().parent.stat().st_mode & 0o001)


def _bundle(path: Path) -> Finding:
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError):
        return problem("CA bundle", f"{path} is not a readable PEM file.")
    return ok("CA bundle", str(path))


async def look_at_neighbours(settings: Settings) -> list[Finding]:
    """Look whether mail and cache can be reached; nothing is sent to them."""
    found = [await _mail(settings), await _cache(settings)]
    if not settings.limits.enabled:
        found.append(warning("request rates", "off: put a limit in front of the server."))
    return [finding for finding in found if finding is not None]


async def _mail(settings: Settings) -> Finding | None:
    if settings.mail.smtp_url is not None:
        return await _reach("mail", settings.mail.smtp_url)
    if settings.development.mailbox:
        return ok("mail", "goes to the development mailbox")
    return warning("mail", "no LIMEN_SMTP_URL: mail waits in the outbox and is not sent.")


async def _cache(settings: Settings) -> Finding | None:
    if settings.redis.url is None:
        return None
    return await _reach("cache", settings.redis.url)


async def _reach(check: str, url: Secret[str]) -> Finding:
    parts = split_secret_url(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return warning(check, f"{host}:{port} does not answer.")
    writer.close()
    return ok(check, f"{host}:{port} answers")
