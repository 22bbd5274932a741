"""Reads what the account page shows; no token, no secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.accounts.directory import get_user, has_password
from limen.accounts.profile.pictures import PATH as PICTURES
from limen.accounts.user import User
from limen.db.work import Work
from limen.federation.identities import list_identities
from limen.federation.profile.identity_id import identity_id
from limen.federation.profile.read import read_profile
from limen.mfa.factors import Factors, factors_of
from limen.oauth.consent import list_consents
from limen.oauth.decoupled.waiting_for import waiting_for
from limen.oauth.endpoints.interactive.words import SCOPE_TEXTS
from limen.oauth.model import Consent
from limen.portal.browser_name import browser_name
from limen.portal.parts import Parts
from limen.sessions.listing import list_sessions
from limen.signin.parts import ProviderButton
from limen.tenants.policy_of import policy_of
from limen.tokens.api_keys.find import list_keys
from limen.tokens.api_keys.model import ApiKey
from limen.vault.listing import ShownConnection, ShownProvider, list_connections, list_providers
from limen.web.languages.words import Words

_MOST_KEYS: Final = 1000
"""More than a policy lets anybody have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """One of the person's sessions."""

    id: str
    name: Words
    is_current: bool
    started_at: dt.datetime
    last_seen_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConsent:
    """An application the person let in.

    Args:
        allowed: What it may do, in a person's words.
    """

    id: str
    client_name: str
    resource: str
    allowed: Sequence[str]
    granted_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownIdentity:
    """An account elsewhere that signs the person in."""

    id: str
    title: str
    account: str
    linked_at: dt.datetime
    last_used_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownApproval:
    """Something that waits for the person's yes or no."""

    id: str
    client_name: str
    binding_message: str
    requested_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the account page shows."""

    user: User
    has_password: bool
    factors: Factors
    approvals: Sequence[ShownApproval]
    sessions: Sequence[ShownSession]
    consents: Sequence[ShownConsent]
    connections: Sequence[ShownConnection]
    providers: Sequence[ShownProvider]
    key_providers: Sequence[ShownProvider] = ()
    api_keys: Sequence[ApiKey] = ()
    may_make_api_keys: bool = False
    identities: Sequence[ShownIdentity] = ()
    sign_in_providers: Sequence[ProviderButton] = ()
    picture_url: str = ""

    @property
    def name(self) -> str:
        """What to call the person; empty if they did not say."""
        return str(self.user.claims.get("name") or "")


async def read_overview(work: Work, parts: Parts) -> Overview:
    """Return what there is of the actor's own."""
    user_id = work.actor.id
    user = await get_user(work, user_id)
    connections: Sequence[ShownConnection] = ()
    providers: Sequence[ShownProvider] = ()
    key_providers: Sequence[ShownProvider] = ()
    if parts.vault is not None:
        connections = await list_connections(work, parts.vault, user_id=user_id)
        offered = [each for each in await list_providers(work, parts.vault) if each.enabled]
        providers = [provider for provider in offered if provider.asks]
        key_providers = [provider for provider in offered if provider.credentials]
    return Overview(
        user=user,
        has_password=await has_password(work, user_id),
        factors=await factors_of(work, user_id),
        approvals=await _approvals(work, parts),
        sessions=await _sessions(work),
        consents=[
            await _consent(work, parts, consent)
            for consent in await list_consents(work, user_id=user_id)
        ],
        connections=connections,
        providers=providers,
        key_providers=key_providers,
        api_keys=await list_keys(work, after="", limit=_MOST_KEYS, principal_id=user_id),
        may_make_api_keys=policy_of(work).api_keys.people,
        identities=await _identities(work, parts),
        sign_in_providers=await parts.list_sign_in_providers(work),
        picture_url=_own_picture(work, user),
    )


def _own_picture(work: Work, user: User) -> str:
    """Return the picture if it is one that we serve: pages load nothing from elsewhere."""
    url = str(user.claims.get("picture") or "")
    return url if url.startswith(f"{work.site.issuer}{PICTURES}/") else ""


async def _identities(work: Work, parts: Parts) -> list[ShownIdentity]:
    titles = {each.id: each.name for each in await parts.list_sign_in_providers(work)}
    found = await list_identities(work, user_id=work.actor.id)
    if not found:
        return []
    profile = await read_profile(
        work, parts.door.envelope, user_id=work.actor.id, with_history=False
    )
    labels = {said.id: said.words.label for said in profile.said}
    return [
        ShownIdentity(
            id=name,
            title=titles.get(each.provider, each.provider.capitalize()),
            account=labels.get(name, ""),
            linked_at=each.linked_at,
            last_used_at=each.last_used_at,
        )
        for each in found
        for name in [identity_id(each.issuer, each.subject)]
    ]


async def _sessions(work: Work) -> list[ShownSession]:
    return [
        ShownSession(
            id=session.id,
            name=browser_name(session.user_agent),
            is_current=session.id == work.actor.session_id,
            started_at=session.started_at,
            last_seen_at=session.last_seen_at,
        )
        for session in await list_sessions(work, user_id=work.actor.id)
    ]


async def _approvals(work: Work, parts: Parts) -> list[ShownApproval]:
    shown = []
    for request in await waiting_for(work, user_id=work.actor.id):
        client = await parts.clients.find(work, request.client_id)
        shown.append(
            ShownApproval(
                id=request.id,
                client_name=request.client_id if client is None else client.name,
                binding_message=request.binding_message,
                requested_at=request.created_at,
            )
        )
    return shown


async def _consent(work: Work, parts: Parts, consent: Consent) -> ShownConsent:
    client = await parts.clients.find(work, consent.client_id)
    return ShownConsent(
        id=consent.id,
        client_name=consent.client_id if client is None else client.name,
        resource="" if consent.resource == work.site.issuer else consent.resource,
        allowed=[SCOPE_TEXTS.get(scope, scope) for scope in consent.scopes],
        granted_at=consent.granted_at,
    )
