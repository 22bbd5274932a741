"""Connections begun without a browser (a bearer token, an agent): a link on our own origin.

Whoever opens it must be signed in as the user it was made for, and confirms on a page of ours
before leaving for the provider. A link that went astray connects nothing (F37).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.vault.connect import WantedConnection, check_wanted
from limen.vault.parts import Parts
from limen.vault.store import links

LINK_KIND: Final = "lml"
LINK_TTL: Final = dt.timedelta(minutes=15)


async def make_link(work: Work, parts: Parts, *, wanted: WantedConnection) -> str:
    """Return the URL at which the actor goes on in a browser.

    Raises:
        NotPermitted: ``user_required``: connections are people's.
    """
    if work.actor.kind != "user":
        raise NotPermitted("user_required", "Only a person can connect an account.")
    _, _, wanted = await check_wanted(work, parts, wanted=wanted)
    raw_link = mint(LINK_KIND, work.tenant_id)
    await links.add_link(
        work,
        token_hash=token_hash(raw_link),
        user_id=work.actor.id,
        provider=wanted.provider,
        wanted=wanted.to_json(),
        expires_at=work.now + LINK_TTL,
    )
    return f"{work.site.issuer}/account/connect/{wanted.provider}?link={raw_link.reveal()}"


async def look_at_link(work: Work, *, provider: str, raw_link: Secret[str]) -> WantedConnection:
    """Return what a link asks for, if it was made for the actor; it stays as it is.

    Raises:
        InvalidInput: ``link_invalid``: used, expired, or another's.
    """
    if read(raw_link, kind=LINK_KIND) is None:
        raise _invalid()
    told = await links.find_link(
        work, token_hash=token_hash(raw_link), user_id=work.actor.id, provider=provider
    )
    if told is None:
        raise _invalid()
    return WantedConnection.from_json(provider, told)


async def take_link(work: Work, *, provider: str, raw_link: Secret[str]) -> WantedConnection:
    """Consume a link: the actor confirmed it.

    Raises:
        InvalidInput: ``link_invalid``.
    """
    told = await links.take_link(
        work, token_hash=token_hash(raw_link), user_id=work.actor.id, provider=provider
    )
    if told is None:
        raise _invalid()
    return WantedConnection.from_json(provider, told)


def _invalid() -> InvalidInput:
    return InvalidInput("link_invalid", "This link was used, has expired or is not yours.")
