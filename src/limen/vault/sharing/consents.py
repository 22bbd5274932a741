"""Consent of a connection's owner to a client: for that connection, and for named features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted
from limen.kernel.events import Event
from limen.vault.events import ConnectionShared, ConnectionUnshared
from limen.vault.features.activate import deactivate
from limen.vault.features.show import see
from limen.vault.model import ReleaseMode
from limen.vault.parts import Parts
from limen.vault.sharing.policy import check_client
from limen.vault.store import connections, sharing
from limen.vault.store.sharing import ConnectionConsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an owner agrees to.

    Args:
        features: By name; each must be switched on.
        mode: Whether the client may be given tokens, or have them used for it; what an
            administrator lets it do is no more for that.
        sharing_request_id: The app's request that they answer with it, if it asked.
    """

    connection_id: str
    client_id: str
    features: Sequence[str]
    mode: ReleaseMode = "proxy"
    sharing_request_id: str = ""


async def share(work: Work, parts: Parts, *, owner_id: str, wish: Wish) -> ConnectionConsent:
    """Let a client use a connection, for these features and no others; replaces what was agreed.

    Atomic: a feature that is switched off meanwhile is either seen to be off, or taken out of what
    was agreed here.

    Raises:
        NotPermitted: ``first_party_only``: an application would agree on its user's behalf.
        NotFound: ``connection_not_found``, ``client_not_found``, ``feature_unknown``.
        InvalidInput: ``feature_inactive``.
    """
    _check_is_owner(work)
    await _hold(work, connection_id=wish.connection_id, owner_id=owner_id)
    seen = await see(work, parts, connection_id=wish.connection_id, owner_id=owner_id)
    scopes: list[str] = []
    if not wish.features:
        raise InvalidInput("feature_inactive", "Say what it may be used for.", field="features")
    for name in wish.features:
        if seen.standing(name).state != "active":
            text = "Only what is switched on can be shared."
            raise InvalidInput("feature_inactive", text, field="features")
        scopes += seen.provider.normalise(seen.features[name].scopes)
    consent = ConnectionConsent(
        connection_id=wish.connection_id,
        client_id=wish.client_id,
        features=tuple(dict.fromkeys(wish.features)),
        scopes=tuple(dict.fromkeys(scopes)),
        mode=wish.mode,
        given_by=work.actor.id,
        given_at=work.now,
    )
    await check_client(work, parts, client_id=wish.client_id)
    await sharing.put_consent(work, consent)
    await work.record(
        ConnectionShared(
            connection_id=consent.connection_id,
            client_id=consent.client_id,
            features=consent.features,
            mode=consent.mode,
            sharing_request_id=wish.sharing_request_id,
        )
    )
    return consent


async def list_shared(work: Work, *, owner_id: str) -> list[ConnectionConsent]:
    """Return what an owner agreed to, for all live connections."""
    live = await connections.list_connections(work, owner_id=owner_id, most=1000)
    return await sharing.consents_for(work, [each.id for each in live])


async def unshare(work: Work, *, owner_id: str, connection_id: str, client_id: str) -> None:
    """Take an agreement back: the client is given nothing more, from now on.

    What it holds already ends when the provider ends it.

    Raises:
        NotPermitted: ``first_party_only``.
        NotFound: ``connection_consent_not_found``, also for another's connection.
    """
    _check_is_owner(work)
    found = await connections.find_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None or not await sharing.drop_consent(
        work, connection_id=connection_id, client_id=client_id
    ):
        raise NotFound("connection_consent_not_found", "There is no such consent.")
    await work.record(ConnectionUnshared(connection_id=connection_id, client_id=client_id))


async def switch_off(
    work: Work, parts: Parts, *, owner_id: str, connection_id: str, feature: str
) -> None:
    """Switch a feature off, and take it out of every agreement: no client is served by it.

    Who switches it on again has to agree again.

    Raises:
        NotFound: As ``deactivate``.
    """
    await _hold(work, connection_id=connection_id, owner_id=owner_id)
    await deactivate(work, connection_id=connection_id, owner_id=owner_id, feature=feature)
    seen = await see(work, parts, connection_id=connection_id, owner_id=owner_id)
    for consent in await sharing.consents_for(work, [connection_id]):
        if feature not in consent.features:
            continue
        left = tuple(name for name in consent.features if name != feature)
        needed = {
            scope
            for name in left
            if name in seen.features
            for scope in seen.provider.normalise(seen.features[name].scopes)
        }
        scopes = tuple(scope for scope in consent.scopes if scope in needed)
        client_id = consent.client_id
        if left:
            await sharing.put_consent(work, replace(consent, features=left, scopes=scopes))
            event: Event = ConnectionShared(
                connection_id=connection_id, client_id=client_id, features=left, mode=consent.mode
            )
        else:
            await sharing.drop_consent(work, connection_id=connection_id, client_id=client_id)
            event = ConnectionUnshared(connection_id=connection_id, client_id=client_id)
        await work.record(event)


async def _hold(work: Work, *, connection_id: str, owner_id: str) -> None:
    if not await connections.hold_connection(work, connection_id=connection_id, owner_id=owner_id):
        raise NotFound("connection_not_found", "There is no such connection.")


def _check_is_owner(work: Work) -> None:
    """Refuse applications: they would agree to their own next request."""
    scope = work.actor.scope
    if scope is not None and FULL_SCOPE not in scope:
        raise NotPermitted("first_party_only", "An application can't agree on behalf of its user.")
