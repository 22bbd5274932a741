"""Connect an account: leave for the provider, come back, keep what it gave.

Who starts is who finishes: the same user in the same session at both ends, or nothing is
taken. The external account of an existing connection is pinned.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from limen.access.permissions import CONNECTIONS_SERVICE, scope_allows
from limen.access.rights import may
from limen.db.work import Work
from limen.federation.begin import Flow, begin, takes_credentials
from limen.federation.finish import Callback, Finished, Taken, finish
from limen.federation.provider import Ask, Provider
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.ids import new_id
from limen.kernel.site import Site
from limen.tenants import policy_of
from limen.vault.disconnect import leave_behind
from limen.vault.events import AccountMismatched, Connected
from limen.vault.features.note import note_features
from limen.vault.features.offered import features_at
from limen.vault.features.union import scopes_to_ask
from limen.vault.keep_tokens import let_go_of, live_grant, store_tokens
from limen.vault.model import TENANT_OWNER, Grant
from limen.vault.parts import Parts
from limen.vault.resources.agreed import note_resources
from limen.vault.store import connections
from limen.vault.store.standing import move_connection

HOME: Final = "/account"
_MAX_FEATURES: Final = 20
_MAX_RETURN_CHARS: Final = 2048
_MAX_LABEL_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedConnection:
    """What somebody wants to connect.

    Args:
        features: By name; all of the provider's first one when empty.
        connection_id: Renew this one, with the same external account and no other.
        for_tenant: It will be the tenant's own, not the person's who connects it.
        return_to: Where the browser goes afterwards: a path here, or a URL at an origin that
            the tenant's policy names.
        session_id: The connect session it was begun with, if it was begun elsewhere.
    """

    provider: str
    features: tuple[str, ...] = ()
    connection_id: str = ""
    return_to: str = HOME
    for_tenant: bool = False
    session_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what must be remembered until the callback."""
        told = dataclasses.asdict(self)
        return {name: value for name, value in told.items() if name != "provider"}

    @classmethod
    def from_json(cls, provider: str, told: Mapping[str, Any]) -> WantedConnection:
        """Read what ``to_json`` wrote."""
        return cls(
            provider=provider,
            features=tuple(told["features"]),
            connection_id=told["connection_id"],
            return_to=told["return_to"],
            for_tenant=told.get("for_tenant", False),
            session_id=told.get("session_id", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedAccount:
    """What a callback ended with.

    Args:
        return_to: Where the browser goes.
        again: A connection that existed was renewed.
    """

    connection_id: str
    return_to: str
    again: bool


Hold = Callable[[Work, Parts, Finished], Awaitable[ConnectedAccount]]
"""Keeps what a journey begun elsewhere ended with, until its person confirms it."""


async def check_wanted(
    work: Work, parts: Parts, *, wanted: WantedConnection
) -> tuple[UpstreamClient, Provider, WantedConnection]:
    """Check what is wanted before anybody is sent anywhere.

    Returns:
        Our client, the provider, and what is wanted with its defaults filled in.

    Raises:
        NotFound: ``provider_unknown``, ``connection_not_found``.
        NotPermitted: ``provider_disabled``, ``provider_takes_credentials``.
        InvalidInput: ``feature_unknown``, ``return_to_invalid``.
    """
    client = await get_upstream_client(work, parts.envelope, provider=wanted.provider)
    provider = parts.catalogue.get(wanted.provider, client.config)
    if not client.is_registered:
        raise takes_credentials()
    offered = await features_at(work, provider, provider_id=wanted.provider)
    features = wanted.features or tuple(provider.facts.features)[:1]
    if len(features) > _MAX_FEATURES or any(name not in offered for name in features):
        raise InvalidInput("feature_unknown", "The provider has no such feature.", field="features")
    check_return(work, wanted.return_to)
    await _check_owner(work, wanted)
    checked = dataclasses.replace(wanted, features=tuple(dict.fromkeys(features)))
    return client, provider, checked


async def begin_connect(work: Work, parts: Parts, *, wanted: WantedConnection) -> str:
    """Return the provider's URL for the actor's browser, in the actor's own session.

    Raises:
        NotPermitted: ``browser_session_required``: there is no session to come back to.
        InvalidInput, NotFound: As ``check_wanted``.
    """
    actor = work.actor
    if actor.kind != "user" or not actor.session_id or actor.scope is not None:
        raise NotPermitted("browser_session_required", "Connecting goes on in a signed-in browser.")
    client, provider, wanted = await check_wanted(work, parts, wanted=wanted)
    pinned = await pinned_grant(work, wanted)
    offered = await features_at(work, provider, provider_id=wanted.provider)
    features = [offered[name] for name in wanted.features]
    ask = Ask(
        purpose="connect",
        scopes=scopes_to_ask(provider, features, pinned=pinned),
        needs_refresh_token=pinned is None
        or pinned.sealed_refresh is None
        or pinned.state != "active"
        or pinned.upstream_client_id != client.at_provider.client_id,
        account_hint=pinned.subject if pinned else "",
    )
    flow = Flow(
        provider=provider,
        client=client,
        ask=ask,
        redirect_uri=callback_uri(work.site, wanted.provider),
        user_id=actor.id,
        session_id=actor.session_id,
        detail=wanted.to_json(),
    )
    return await begin(work, parts.federation, flow=flow)


async def finish_connect(
    parts: Parts,
    site: Site,
    *,
    callback: Callback,
    hold: Hold | None = None,
    taken: Taken | None = None,
) -> ConnectedAccount:
    """Keep what the provider gave, for the user and session that asked for it.

    Args:
        parts: The vault's.
        site: The tenant.
        callback: A browser's.
        hold: What is done with the end of a journey that began elsewhere; without it such a
            journey ends in a refusal.
        taken: As ``federation.finish``.

    Raises:
        MalformedRequest, NotPermitted, ProviderUnavailable: As ``federation.finish``.
        Conflict: ``account_mismatch``: another external account than the connection's.
    """
    finished = await finish(
        parts.federation,
        site,
        callback=callback,
        find_provider=parts.catalogue.get,
        taken=taken,
    )

    async def keep(work: Work) -> ConnectedAccount:
        return await _keep_or_let_go(work, parts, finished, hold=hold)

    return await parts.works.run(site, keep, actor=callback.actor)


def callback_uri(site: Site, provider: str) -> str:
    """Return the connect callback of a provider: its own, apart from sign-in's."""
    return f"{site.issuer}/api/v1/oauth/{provider}/callback"


async def _keep_or_let_go(
    work: Work, parts: Parts, finished: Finished, *, hold: Hold | None
) -> ConnectedAccount:
    """Keep what a journey ended with; where it may not be, leave none of it at the provider."""
    began_elsewhere = bool(finished.detail.get("session_id"))
    try:
        keep = (hold or _unconfirmed) if began_elsewhere else keep_finished
        return await keep(work, parts, finished)
    except (Conflict, NotFound, NotPermitted) as refused:
        reason = refused.code
        if reason != "account_mismatch":  # dealt with where that was found
            work.even_if_refused(lambda later: let_go_of(later, parts, finished, reason=reason))
        raise


async def _unconfirmed(_work: Work, _parts: Parts, _finished: Finished) -> ConnectedAccount:
    raise NotPermitted("confirmation_required", "This has to be confirmed first.")


async def keep_finished(work: Work, parts: Parts, finished: Finished) -> ConnectedAccount:
    """Make a connection of what a journey ended with, or renew the one it was for.

    Raises:
        NotPermitted, NotFound: What was allowed at the start is no more.
        Conflict: ``account_mismatch``, ``account_connected_already``.
    """
    provider = finished.provider
    wanted = WantedConnection.from_json(finished.client.provider, finished.detail)
    label = finished.identity.label[:_MAX_LABEL_CHARS]
    known, pinned = await check_pinned(work, parts, finished, wanted=wanted)
    grant = await store_tokens(work, parts, finished, grant=known, after=pinned)
    if pinned is not None and pinned.id != grant.id:
        await _move_connection(work, parts, wanted, before=pinned, after=grant, label=label)
        connection_id, again = wanted.connection_id, True
    else:
        connection_id, again = await _put_connection(work, wanted, grant, label=label)
    agreed = await note_resources(work, provider, grant, asked=finished.detail["scopes"])
    whole = dataclasses.replace(grant, granted_scopes=(*grant.granted_scopes, *agreed))
    await note_features(
        work, provider, connection_id=connection_id, wanted=wanted.features, grant=whole
    )
    await work.record(
        Connected(
            connection_id=connection_id,
            grant_id=grant.id,
            provider=wanted.provider,
            scopes=grant.granted_scopes,
            again=again,
            connect_session_id=wanted.session_id,
        )
    )
    return ConnectedAccount(connection_id=connection_id, return_to=wanted.return_to, again=again)


async def check_pinned(
    work: Work, parts: Parts, finished: Finished, *, wanted: WantedConnection
) -> tuple[Grant | None, Grant | None]:
    """Refuse another account than the one a connection is pinned to.

    Returns:
        The account's live grant at our client as it is now, and the one the connection stands on:
        another one where that client took an earlier one's place.

    Raises:
        NotFound: ``connection_not_found``: it was ended meanwhile.
        Conflict: ``account_mismatch``.
    """
    identity, grant = finished.identity, await live_grant(work, finished)
    pinned = await pinned_grant(work, wanted)
    if pinned is not None and (pinned.issuer, pinned.subject) != (
        identity.issuer,
        identity.subject,
    ):
        await _refuse_mismatch(work, parts, finished, wanted=wanted)
    return grant, pinned


async def _put_connection(
    work: Work, wanted: WantedConnection, grant: Grant, *, label: str
) -> tuple[str, bool]:
    """Return the id of the owner's connection to a grant, and whether it was there before."""
    await _check_owner(work, wanted)
    made = new_id(work.now)
    connection_id = await connections.put_connection(
        work, new_id=made, owner_id=_owner(work, wanted), grant=grant, label=label
    )
    if connection_id is None:
        raise Conflict(
            "account_connected_already",
            "This account is connected already, as the other of the two: yours, or the tenant's.",
        )
    return connection_id, connection_id != made


async def _move_connection(
    work: Work, parts: Parts, wanted: WantedConnection, *, before: Grant, after: Grant, label: str
) -> None:
    """Put a connection on what the same account gave to our client as it is now."""
    await _check_owner(work, wanted)
    if not await move_connection(
        work, connection_id=wanted.connection_id, before=before, after=after, label=label
    ):
        text = "This account is connected already. Disconnect one of the two."
        raise Conflict("account_connected_already", text)
    await leave_behind(work, parts, before)


def _owner(work: Work, wanted: WantedConnection) -> str:
    return TENANT_OWNER if wanted.for_tenant else work.actor.id


async def _check_owner(work: Work, wanted: WantedConnection) -> None:
    """Refuse to connect for the tenant, at both ends, to whoever may not."""
    if wanted.for_tenant and not (
        await may(work, work.actor, CONNECTIONS_SERVICE)
        and scope_allows(work.actor.scope, CONNECTIONS_SERVICE)
    ):
        raise NotPermitted(public="You are not allowed to do this.")


async def pinned_grant(work: Work, wanted: WantedConnection) -> Grant | None:
    """Return the grant of the connection that is renewed, if one is; ``NotFound`` if none such."""
    if not wanted.connection_id:
        return None
    found = await connections.find_connection(
        work, connection_id=wanted.connection_id, owner_id=_owner(work, wanted)
    )
    if found is None or found[0].provider != wanted.provider:
        raise NotFound("connection_not_found", "There is no such connection.")
    if found[0].grant.kind != "consent":
        text = "This connection stands on a credential: it is rotated instead."
        raise InvalidInput("credential_kind_mismatch", text, field="connection_id")
    return found[0].grant


async def _refuse_mismatch(
    work: Work, parts: Parts, finished: Finished, *, wanted: WantedConnection
) -> None:
    """Refuse another account, before anything is written over the right one's (F35)."""

    async def keep(later: Work) -> None:
        await later.record(
            AccountMismatched(connection_id=wanted.connection_id, provider=wanted.provider)
        )
        await let_go_of(later, parts, finished, reason="mismatch")

    work.even_if_refused(keep)
    raise Conflict(
        "account_mismatch",
        "That is another account than the one this connection belongs to.",
        detail=f"issuer {finished.identity.issuer}",
    )


def check_return(work: Work, return_to: str) -> None:
    """Refuse to send a browser where nobody vouched for: an open redirector (R9700 4.11).

    Raises:
        InvalidInput: ``return_to_invalid``.
    """
    try:
        parts = urlsplit(return_to)
    except ValueError:  # a bracket that nobody closes
        parts = urlsplit("")
    bad = len(return_to) > _MAX_RETURN_CHARS or not return_to.isprintable() or "\\" in return_to
    here = return_to.startswith("/") and not return_to.startswith("//")
    origin = f"{parts.scheme}://{parts.netloc}"
    if bad or not (here or origin in policy_of(work).allowed_origins):
        raise InvalidInput("return_to_invalid", "That is no place to return to.", field="return_to")
