"""``limen doctor``: what is wrong with this installation, in one screen."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from typing import Annotated, Final

import typer

from limen.cli.checkup.finding import Finding, ok, problem, warning
from limen.cli.checkup.installation import look_at_installation, look_from_outside
from limen.cli.checkup.machine import look_at_files, look_at_neighbours
from limen.cli.checkup.profile import as_profile, look_at_profile
from limen.cli.inside import read_settings
from limen.cli.say import AsJson, tell
from limen.kernel.errors import ConfigurationError
from limen.settings import Settings

_MARKS: Final = {"ok": "✓", "warning": "!", "problem": "✗"}


OfProfile = Annotated[
    str, typer.Option("--profile", help="fapi2, fapi2_message_signing or mcp: what is missing.")
]


def doctor(*, profile: OfProfile = "", as_json: AsJson = False) -> None:
    """Look at settings, files, database, keys, neighbours and the issuer; change nothing.

    With a profile: at every tenant and client, and what each lacks to keep to it. Exits with 1
    if there is a problem; a warning is none.
    """
    found = asyncio.run(_look_for(profile) if profile else _look())
    counts = Counter(finding.state for finding in found)
    result = {
        "problems": counts["problem"],
        "warnings": counts["warning"],
        "findings": [dataclasses.asdict(finding) for finding in found],
    }
    tell(result, as_json=as_json, words=_screen(found))
    if counts["problem"]:
        raise typer.Exit(1)


async def _look() -> list[Finding]:
    try:
        settings = read_settings()
    except ConfigurationError as error:
        return [problem("settings", text) for text in error.problems]
    return [
        _issuer(settings),
        *look_at_files(settings),
        *await look_at_installation(settings),
        *await look_at_neighbours(settings),
        *await look_from_outside(settings),
    ]


def _issuer(settings: Settings) -> Finding:
    """Say what is signed with; an issuer that nobody else can ask is seldom meant."""
    told = f"{settings.environment}, issuer {settings.base_url}"
    if settings.is_development or settings.is_secure:
        return ok("settings", told)
    return warning("settings", f"{told}: for this machine alone; set LIMEN_BASE_URL.")


async def _look_for(name: str) -> list[Finding]:
    profile = as_profile(name)
    if profile is None:
        return [problem("profile", f"there is no profile {name!r}.")]
    try:
        return await look_at_profile(read_settings(), profile)
    except ConfigurationError as error:
        return [problem("settings", text) for text in error.problems]


def _screen(found: list[Finding]) -> str:
    width = max(len(finding.check) for finding in found)
    return "\n".join(f"{_MARKS[f.state]} {f.check:<{width}}  {f.text}" for f in found)
