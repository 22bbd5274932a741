"""What an administrator lets a client do with the connections people share with it."""

from __future__ import annotations

from typing import Literal, cast

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotFound
from limen.oauth.model import Client
from limen.tokens.api_keys.model import PEOPLES_KEYS
from limen.vault.events import ReleasePolicySet
from limen.vault.parts import Parts
from limen.vault.store import sharing

Mode = Literal["raw", "proxy", "none"]
"""``raw``: it may be given tokens; ``proxy``: it may have them used for it; ``none``."""


async def set_release_policy(work: Work, parts: Parts, *, client_id: str, mode: Mode) -> None:
    """Set what a client may do; in force with the next request.

    Raises:
        NotFound: ``client_not_found``.
    """
    await check_client(work, parts, client_id=client_id)
    await sharing.put_policy(work, client_id=client_id, mode=mode)
    await work.record(ReleasePolicySet(client_id=client_id, mode=mode))


async def get_release_policy(work: Work, *, client_id: str) -> Mode:
    """Return what a client may do: nothing, unless somebody said otherwise."""
    return cast("Mode", await sharing.find_policy(work, client_id) or "none")


async def check_client(work: Work, parts: Parts, *, client_id: str) -> None:
    """Refuse a client that is not there, or switched off.

    Raises:
        NotFound: ``client_not_found``.
    """
    await find_sharing_client(work, parts, client_id=client_id)


async def find_sharing_client(work: Work, parts: Parts, *, client_id: str) -> Client:
    """Return a client as it is now.

    Raises:
        NotFound: ``client_not_found``: none such, or it is switched off.
    """
    client = await parts.clients.fresh(work, client_id)
    if client is None or not client.is_active:
        raise NotFound("client_not_found", "There is no such client.")
    return client


def is_person(actor: Actor) -> bool:
    """Whether the actor is the person, who needs nobody's consent.

    A person's browser, our own first-party tokens and the person's own API keys are; any other
    token is a client's.
    """
    if actor.kind != "user":
        return False
    scope = actor.scope
    return scope is None or FULL_SCOPE in scope or actor.client_id in {"", PEOPLES_KEYS}
