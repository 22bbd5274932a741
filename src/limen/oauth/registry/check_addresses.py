"""Look at the addresses in a registration that we would fetch, before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, ProviderUnavailable
from limen.kernel.foreign_json import parse_json
from limen.net import Net
from limen.protocol.client_metadata import CIBA, ClientMetadata
from limen.protocol.client_metadata.uris import MAX_REDIRECT_URIS

_FETCHED: Final = (
    "jwks_uri",
    "sector_identifier_uri",
    "backchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)
_OF_A_SECTOR: Final = (
    "redirect_uris",
    "sector_identifier_uri",
    "subject_type",
    "grant_types",
    "jwks_uri",
)
_MAX_BYTES: Final = 65_536
_DEADLINE_SECONDS: Final = 5.0


async def check_addresses(work: Work, net: Net, members: Mapping[str, object]) -> None:
    """Refuse addresses we never call (N213), and a sector that does not know the client.

    Called before the transaction: names are looked up, and the sector's list is fetched.

    Args:
        work: Clean; its connection is given back meanwhile.
        net: The one door out.
        members: As sent. What is not text here is refused by whoever parses them.

    Raises:
        InvalidInput: ``url_not_allowed`` or ``invalid_client_metadata``, naming the member.

    Spec: OpenID Connect Registration 1.0 section 5, CIBA Core 1.0 section 4.
    """
    await work.let_go()
    # Side by side: who registers fifty names that hang waits for one of them, and so do we.
    looked_at = await asyncio.gather(
        *(net.check_target(uri, field=field) for uri, field in _fetched(members).items()),
        return_exceptions=True,
    )
    for refused in looked_at:
        if refused is not None:
            raise refused
    sector = members.get("sector_identifier_uri")
    if isinstance(sector, str) and sector:
        await _check_sector(net, sector, addresses=_of_its_sector(members))


def changed_addresses(
    before: ClientMetadata, changes: Mapping[str, object]
) -> Mapping[str, object]:
    """Return what of a changed registration ``check_addresses`` has to look at (N191).

    A sector that was named before has to list what is new: its subjects are that sector's.

    Args:
        before: As it is registered.
        changes: What is named of it.
    """
    if changes.keys().isdisjoint(_OF_A_SECTOR):
        return changes
    return {**{name: getattr(before, name) for name in _OF_A_SECTOR}, **changes}


def _fetched(members: Mapping[str, object]) -> dict[str, str]:
    """Return the addresses we would call, each once and with the member that names it.

    A list is nobody's here but that of ``request_uris``, of which more are no registration.
    """
    named = [(members.get(field), field) for field in _FETCHED]
    listed = _texts(members.get("request_uris"))[:MAX_REDIRECT_URIS]
    named += [(uri, "request_uris") for uri in listed]
    return {uri.partition("#")[0]: field for uri, field in named if isinstance(uri, str) and uri}


def _of_its_sector(members: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a sector's list must hold: for CIBA the address of the keys too (section 4)."""
    redirects = _texts(members.get("redirect_uris"))
    if members.get("subject_type") != "pairwise" or CIBA not in _texts(members.get("grant_types")):
        return redirects
    return (*redirects, *_texts(members.get("jwks_uri")))


async def _check_sector(net: Net, uri: str, *, addresses: tuple[str, ...]) -> None:
    try:
        answer = await net.fetch(
            "GET",
            uri,
            headers={"accept": "application/json"},
            deadline_seconds=_DEADLINE_SECONDS,
            max_bytes=_MAX_BYTES,
        )
    except ProviderUnavailable as unavailable:
        raise _sector_refused("could not be fetched.", detail=unavailable.detail) from None
    try:
        listed = parse_json(answer.body.decode()) if answer.status == 200 else None
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise _sector_refused("answers with no JSON list.", detail=f"status {answer.status}")
    if not all(address in listed for address in addresses):
        raise _sector_refused("does not list all redirect URIs, or for CIBA jwks_uri.")


def _sector_refused(problem: str, *, detail: str = "") -> InvalidInput:
    return InvalidInput(
        "invalid_client_metadata",
        f"sector_identifier_uri: {problem}",
        detail=detail,
        field="sector_identifier_uri",
    )


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)
