"""What a person is shown of a request to share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limen.db.work import Work
from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.oauth.model import Client
from limen.vault.asking import store
from limen.vault.asking.accounts import Account, accounts_for
from limen.vault.asking.model import LINK_KIND, SharingRequest
from limen.vault.features.offered import features_at
from limen.vault.parts import Parts
from limen.vault.sharing.policy import Mode, find_sharing_client, get_release_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request before the person it is for.

    Args:
        link_hash: What it was found by; empty in the session that left from its page.
        mode: Whether the app is given tokens, or has them used for it.
        offered: All features there are at the provider, by name.
    """

    request: SharingRequest
    link_hash: bytes
    client: Client
    mode: Mode
    provider: Provider
    offered: Mapping[str, Feature]
    accounts: Sequence[Account]


async def look_at_request(
    work: Work, parts: Parts, *, request_id: str, raw_link: Secret[str] | None
) -> Asking:
    """Return a request that the actor may answer; it stays as it is.

    Args:
        work: Of a person in a signed-in browser.
        parts: The vault's.
        request_id: Which.
        raw_link: As it came; ``None`` in the session that left from its page.

    Raises:
        NotPermitted: ``browser_session_required``: an application would answer itself;
            ``release_not_allowed``, ``provider_disabled``: what was allowed is no more.
        InvalidInput: ``link_invalid``: answered, expired, or another's.
        NotFound: ``client_not_found``, ``provider_unknown``.
    """
    actor = work.actor
    if actor.kind != "user" or not actor.session_id or actor.scope is not None:
        raise NotPermitted("browser_session_required", "This goes on in a signed-in browser.")
    link_hash = b""
    if raw_link is not None:
        if read(raw_link, kind=LINK_KIND) is None:
            raise link_invalid()
        link_hash = token_hash(raw_link)
    request = await store.find_open(work, request_id, link_hash=link_hash)
    if request is None:
        raise link_invalid()
    client = await find_sharing_client(work, parts, client_id=request.client_id)
    mode = await get_release_policy(work, client_id=client.client_id)
    if mode == "none":
        raise NotPermitted("release_not_allowed", "This client may not use people's connections.")
    upstream = await get_upstream_client(work, parts.envelope, provider=request.provider)
    provider = parts.catalogue.get(request.provider, upstream.config)
    return Asking(
        request=request,
        link_hash=link_hash,
        client=client,
        mode=mode,
        provider=provider,
        offered=await features_at(work, provider, provider_id=request.provider),
        accounts=await accounts_for(work, request, mode=mode, provider=provider),
    )


def link_invalid() -> InvalidInput:
    """Return the refusal that tells nobody which of its reasons holds."""
    return InvalidInput("link_invalid", "This link was used, has expired or is not yours.")
