"""Which of a person's accounts an app can be given, and what that would allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from limen.db.work import Work
from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.vault.asking.model import SharingRequest
from limen.vault.features.offered import features_at
from limen.vault.features.states import missing_of, standing_of
from limen.vault.model import Connection, ReleaseMode
from limen.vault.resources.agreed import scopes_held
from limen.vault.sharing.check import not_agreed
from limen.vault.sharing.policy import Mode
from limen.vault.store import connections, sharing
from limen.vault.store.connections import Shared
from limen.vault.store.sharing import ConnectionConsent

_MOST = 200

AccountState = Literal["ready", "lacks", "reconnect", "needs_admin", "too_broad"]
"""``lacks``: its person has to allow more at the provider first; ``reconnect``: it gives no
tokens; ``too_broad``: its token may more than anything here has a name for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account that can be chosen, or why it can't.

    Args:
        features: What the app could use afterwards: what it asks for, what was agreed before,
            and, where it is given the token itself, everything that this token allows.
        more: Of these the ones that it did not ask for.
        missing: Those that the account does not cover.
        agreed: How its person agreed before that the app uses it; ``None`` if they did not.
    """

    connection_id: str
    label: str
    nickname: str
    state: AccountState
    features: tuple[str, ...]
    more: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    agreed: ReleaseMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What all accounts are judged by."""

    request: SharingRequest
    mode: Mode
    provider: Provider
    offered: Mapping[str, Feature]


async def accounts_for(
    work: Work, request: SharingRequest, *, mode: Mode, provider: Provider
) -> list[Account]:
    """Return the actor's accounts at the provider, newest first; the wanted one alone if named."""
    live = await connections.list_connections(work, owner_id=work.actor.id, most=_MOST)
    wanted = request.wanted_connection
    chosen = [
        each
        for each in live
        if each.provider == request.provider
        and wanted in {"", each.id}
        and each.grant.kind == "consent"  # what a credential is good for, no feature names
    ]
    judged = _Judged(
        request=request,
        mode=mode,
        provider=provider,
        offered=await features_at(work, provider, provider_id=request.provider),
    )
    agreed = {
        consent.connection_id: consent
        for consent in await sharing.consents_for(work, [each.id for each in chosen])
        if consent.client_id == request.client_id
    }
    held = {each.id: await scopes_held(work, provider, each.grant) for each in chosen}
    return [
        _account(each, judged, agreed=agreed.get(each.id), held=held[each.id]) for each in chosen
    ]


def _account(
    connection: Connection,
    judged: _Judged,
    *,
    agreed: ConnectionConsent | None,
    held: Sequence[str],
) -> Account:
    request, offered = judged.request, judged.offered
    granted = connection.grant.granted_scopes
    active = [
        name
        for name, state in connection.features.items()
        if state == "active"
        and name in offered
        and not missing_of(offered[name], provider=judged.provider, granted=held)
    ]
    before = [name for name in (agreed.features if agreed else ()) if name in active]
    features = tuple(dict.fromkeys((*request.features, *before)))
    if judged.mode == "raw":
        features = _whole(features, active, granted, judged=judged)
    missing = tuple(
        name
        for name in request.features
        if name not in offered or missing_of(offered[name], provider=judged.provider, granted=held)
    )
    return Account(
        connection_id=connection.id,
        label=connection.label,
        nickname=connection.nickname,
        state=_state(connection, judged, features=features, missing=missing),
        features=features,
        more=tuple(name for name in features if name not in request.features),
        missing=missing,
        agreed=agreed.mode if agreed else None,
    )


def _whole(
    features: tuple[str, ...], active: Sequence[str], granted: Sequence[str], *, judged: _Judged
) -> tuple[str, ...]:
    """Add what the token allows besides: it leaves whole or not at all."""
    lacking = set(_beyond(features, granted, judged=judged))
    added = [
        name
        for name in active
        if name not in features
        and not lacking.isdisjoint(judged.provider.normalise(judged.offered[name].scopes))
    ]
    return (*features, *added)


def _beyond(features: Sequence[str], granted: Sequence[str], *, judged: _Judged) -> tuple[str, ...]:
    scopes = [
        scope
        for name in features
        if name in judged.offered
        for scope in judged.provider.normalise(judged.offered[name].scopes)
    ]
    shared = Shared(mode=judged.mode, features=tuple(features), scopes=tuple(scopes), agreed="raw")
    return not_agreed(granted, shared, provider=judged.provider)


def _state(
    connection: Connection, judged: _Judged, *, features: Sequence[str], missing: Sequence[str]
) -> AccountState:
    granted = connection.grant.granted_scopes
    if connection.grant.state not in {"active", "uncertain"}:
        return "reconnect"
    standings = [
        standing_of(judged.offered[name], None, provider=judged.provider, granted=granted).state
        for name in missing
        if name in judged.offered
    ]
    if "needs_admin" in standings:
        return "needs_admin"
    if missing:
        return "lacks"
    if judged.mode == "raw" and _beyond(features, granted, judged=judged):
        return "too_broad"
    return "ready"
