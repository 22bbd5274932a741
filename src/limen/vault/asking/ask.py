"""Make a request to share: the app's part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted, Throttled
from limen.kernel.ids import new_id
from limen.kernel.tokens import mint, token_hash
from limen.oauth.model import Client
from limen.protocol.redirect_uri import match_redirect_uri
from limen.vault.asking import store
from limen.vault.asking.events import SharingAsked
from limen.vault.asking.model import LINK_KIND, REQUEST_TTL
from limen.vault.connect import WantedConnection, check_wanted
from limen.vault.parts import Parts
from limen.vault.sessions.make import check_state
from limen.vault.sharing.policy import find_sharing_client, get_release_policy, is_person
from limen.vault.store import connections

MOST_PENDING: Final = 50
"""Requests that one asker has made and nobody has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSharing:
    """What an app asks for.

    Args:
        features: By name; one at least.
        connection_id: This one of the person's, and no other.
        redirect_uri: One of the app's registered ones; empty: the browser stays here.
        state: The app's own, given back to it there.
    """

    provider: str
    features: tuple[str, ...]
    connection_id: str = ""
    redirect_uri: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSharing:
    """A new request.

    Args:
        url: To be opened in the person's browser, within ``expires_in`` seconds.
    """

    id: str
    url: str
    expires_in: int


async def ask_to_share(work: Work, parts: Parts, *, wanted: WantedSharing) -> AskedSharing:
    """Make a request of the actor's client.

    By a person's token it is for that person; by a client's own for whoever signs in and
    answers. The second is no weaker: what is shared is used with its owner's token alone.

    Raises:
        NotPermitted: ``client_required``: people share on their own pages;
            ``release_not_allowed``: no administrator lets the client use connections.
        NotFound: ``connection_not_found``, ``client_not_found``, ``provider_unknown``.
        InvalidInput: ``feature_unknown``, ``state_invalid``.
        OAuthRefusal: ``invalid_redirect_uri``.
        Throttled: ``too_many_sharing_requests``.
    """
    actor = work.actor
    if is_person(actor) or not actor.client_id:
        raise NotPermitted("client_required", "Only an application can ask for this.")
    client = await find_sharing_client(work, parts, client_id=actor.client_id)
    if await get_release_policy(work, client_id=client.client_id) == "none":
        raise NotPermitted("release_not_allowed", "This client may not use people's connections.")
    features = await _checked(work, parts, wanted=wanted, client=client)
    if await store.count_pending(work) >= MOST_PENDING:
        raise Throttled(
            "too_many_sharing_requests",
            "Too many of these are open. Wait until some are answered or have expired.",
            retry_after_seconds=int(REQUEST_TTL.total_seconds()),
        )
    request_id, raw_link = new_id(work.now), mint(LINK_KIND, work.tenant_id)
    await store.add_request(
        work,
        id=request_id,
        client_id=client.client_id,
        asked_by=actor.id,
        user_id=_for(actor),
        link_hash=token_hash(raw_link),
        provider=wanted.provider,
        features=list(features),
        wanted_connection=wanted.connection_id,
        redirect_uri=wanted.redirect_uri,
        app_state=wanted.state,
        expires_at=work.now + REQUEST_TTL,
    )
    await work.record(
        SharingAsked(
            sharing_request_id=request_id,
            client_id=client.client_id,
            provider=wanted.provider,
            features=features,
        )
    )
    return AskedSharing(
        id=request_id,
        url=f"{work.site.issuer}/account/share/{request_id}?link={raw_link.reveal()}",
        expires_in=int(REQUEST_TTL.total_seconds()),
    )


async def _checked(
    work: Work, parts: Parts, *, wanted: WantedSharing, client: Client
) -> tuple[str, ...]:
    """Refuse what could not be answered; return the features, each once."""
    check_state(wanted.state)
    if wanted.redirect_uri:
        match_redirect_uri(wanted.redirect_uri, registered=client.redirect_uris)
    if not wanted.features:
        raise InvalidInput("feature_unknown", "Say what it is for.", field="features")
    if wanted.connection_id:
        found = await connections.find_connection(
            work, connection_id=wanted.connection_id, owner_id=_for(work.actor) or ""
        )
        if found is None or found[0].provider != wanted.provider:
            raise NotFound("connection_not_found", "There is no such connection.")
    asked = WantedConnection(provider=wanted.provider, features=wanted.features)
    _, _, checked = await check_wanted(work, parts, wanted=asked)
    return checked.features


def _for(actor: Actor) -> str | None:
    return actor.id if actor.kind == "user" else None
