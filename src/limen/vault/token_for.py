"""The one way to a third party's access token, for every reader (F44): fresh, or made fresh."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import (
    Conflict,
    NotFound,
    NotPermitted,
    ProviderUnavailable,
    Unavailable,
)
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.credentials.held_at import HeldAt, holder_of
from limen.vault.events import TokenReleased
from limen.vault.features.offered import features_at
from limen.vault.features.states import standing_of
from limen.vault.model import TENANT_OWNER, Connection, Grant, GrantKind
from limen.vault.parts import Parts
from limen.vault.refresh.apply import end_grant
from limen.vault.refresh.claim import CLIENT_REPLACED, NO_REFRESH_TOKEN, PROVIDER_MOVED
from limen.vault.refresh.fetch_for_resource import fetch_for_resource
from limen.vault.refresh.outcome import Outcome, Postponed
from limen.vault.refresh.redeem import refresh
from limen.vault.refresh.renew_credential import renew_credential
from limen.vault.refresh.stands import STANDS
from limen.vault.refresh.terms import is_fresh, is_settling
from limen.vault.resources.look import check_not_refused, see_for_resource
from limen.vault.sealing import open_access
from limen.vault.sharing.check import Asked, Use, check_release
from limen.vault.store import connections
from limen.vault.store.connections import Shared
from limen.vault.store.features import noted_features

_PAUSE_SECONDS: Final = 0.05
RELEASE: Final = "connection"
"""How hooks are told that a third party's token is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which token, for whom, how good.

    Args:
        user_id: Whose connection it must be.
        reader: Who receives it: ``user:<id>``, or ``client:<id>`` of the access token used; empty
            when it is only to be made fresh and stays here.
        min_ttl: How much must be left of it.
        seen_generation: The reader's own one was refused with 401: only a newer one helps (F12).
        client_id: The client that asks, if it is not the owner: policy and consent must cover it.
        use: What for; the owner need not say.
        feature: Must be switched on; empty for whatever the token is good for.
        scopes: Must all be granted.
        resource: Which of the provider's it is for, by name or as the provider calls it; empty
            for its default.
        token_only: A key or a password is no use, whatever its provider's entry lets out.
    """

    connection_id: str
    user_id: str
    reader: str
    min_ttl: dt.timedelta = dt.timedelta()
    seen_generation: int | None = None
    client_id: str = ""
    use: Use = "raw"
    feature: str = ""
    scopes: tuple[str, ...] = ()
    resource: str = ""
    token_only: bool = False

    @property
    def release_key(self) -> str:
        """What is noted to have been given: each resource's token by itself."""
        return f"{self.reader} {self.resource}" if self.reader and self.resource else self.reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A token on its way out.

    Args:
        expires_at: ``None``: the provider does not say.
        stands: The provider was asked just now, and takes it.
        kind: Of the grant: an API key is no bearer token.
    """

    raw_access: Secret[str]
    provider: str
    expires_at: dt.datetime | None
    generation: int
    scopes: tuple[str, ...]
    grant_id: str = ""
    stands: bool = False
    kind: GrantKind = "consent"

    def seconds_left(self, now: dt.datetime) -> int | None:
        """Return for how long it is good; ``None`` if nobody knows."""
        if self.expires_at is None:
            return None
        return max(0, int((self.expires_at - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class _Stale:
    """The token is not good enough; this is what there is."""

    grant: Grant


async def token_for(work: Work, parts: Parts, *, wanted: Wanted) -> Released:
    """Return a token that is good enough, refreshed first if need be.

    A fresh one comes out of this Work. Otherwise the Work's connection is given back, and short
    Works of their own refresh it: of any number of callers one does, the others wait for it.

    Raises:
        NotFound: ``connection_not_found``: none such, another's, or ended (N243).
        NotPermitted: ``provider_disabled``, fresh or not (N126); as ``check_release``;
            ``credential_by_proxy_only``, ``credential_unbound``; ``refused_by_hook``.
        InvalidInput: ``resource_unknown``.
        Conflict: ``connection_reauth_required``: only its person can help; ``resource_refused``,
            ``resource_consent_required``: with this resource.
        ProviderUnavailable: It can't be refreshed now, and what there is has expired.
        Unavailable: ``refresh_in_progress``: somebody else's refresh takes too long;
            ``hook_unavailable``.
    """
    served = await _serve(work, parts, wanted, lenient=False)
    if isinstance(served, Released):
        return served
    site, actor = work.site, work.actor
    await work.let_go()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + parts.times.wait_seconds
    lenient = False

    async def again(later: Work) -> Released | _Stale:
        return await _serve(later, parts, wanted, lenient=lenient)

    while loop.time() < deadline:
        outcome = await _renew(parts, site, served.grant)
        # Whatever became of it, the row says it best; after an attempt of ours a token that
        # has not expired is good enough, however short.
        lenient = lenient or isinstance(outcome, Postponed) or served.grant.is_backing_off
        if outcome == STANDS:
            wanted = replace(wanted, seen_generation=None)
        served = await parts.works.run(site, again, actor=actor)
        if isinstance(served, Released):
            return replace(served, stands=outcome == STANDS)
        if isinstance(outcome, Postponed) or served.grant.is_backing_off:
            _unrefreshable(outcome)
        await asyncio.sleep(_PAUSE_SECONDS)
    raise Unavailable("refresh_in_progress", "The token is being refreshed; try again.")


async def _serve(
    work: Work, parts: Parts, wanted: Wanted, *, lenient: bool, asked_hooks: bool = False
) -> Released | _Stale:
    connection, released_generation, shared = await _find(work, wanted)
    grant = connection.grant
    if not connection.is_switched_on:
        raise NotPermitted("provider_disabled", "This provider is switched off.")
    provider = await provider_of(work, parts, grant)
    grant = await see_for_resource(work, parts, grant, raw=wanted.resource)
    connection = replace(connection, grant=grant)
    if shared is not None:
        asked = Asked(
            use=wanted.use, feature=wanted.feature, askable=wanted.user_id != TENANT_OWNER
        )
        check_release(shared, asked, grant=grant, provider=provider)
    if grant.state not in {"active", "uncertain"}:
        _reconnect(grant.reason)
    _check_may_leave(wanted, provider)
    await check_not_refused(work, parts, grant, connection_id=connection.id)
    await _check_wanted(work, connection, wanted, provider=provider)
    if not _is_good_enough(grant, provider, work.now, wanted=wanted, lenient=lenient):
        if grant.state == "uncertain" and not _may_retry(grant, work.now):
            await _give_up(work, grant)
        return _Stale(grant)
    is_new = bool(wanted.reader) and released_generation != grant.token_generation
    if is_new and not asked_hooks and await _ask_hooks(work, parts, wanted, grant=grant):
        # They took their time: what was agreed before may be taken back by now.
        return await _serve(work, parts, wanted, lenient=lenient, asked_hooks=True)
    return await _release(work, parts, wanted, connection=connection, is_new=is_new)


async def _release(
    work: Work, parts: Parts, wanted: Wanted, *, connection: Connection, is_new: bool
) -> Released:
    grant = connection.grant
    raw_access = await open_access(work, parts.envelope, grant)
    assert raw_access is not None
    if is_new:
        await _note(work, connection, wanted)
    return Released(
        raw_access=raw_access,
        provider=grant.provider,
        expires_at=grant.access_expires_at,
        generation=grant.token_generation,
        scopes=grant.granted_scopes,
        grant_id=grant.id,
        kind=grant.kind,
    )


async def _ask_hooks(work: Work, parts: Parts, wanted: Wanted, *, grant: Grant) -> bool:
    """Ask the hooks before a client is given a token it has not; say whether there are any.

    Once for each client and generation, as releases are audited: what it has it has.

    Raises:
        NotPermitted: ``refused_by_hook``.
        Unavailable: ``hook_unavailable``.
    """
    hooks = parts.federation.hooks
    if hooks is None or not wanted.client_id or not await hooks.are_at(work, "before_token"):
        return False
    told = {
        "client_id": wanted.client_id,
        "user_id": None if wanted.user_id == TENANT_OWNER else wanted.user_id,
        "resource": f"urn:limen:connection:{wanted.connection_id}",
        "scope": list(grant.granted_scopes),
        "grant_type": RELEASE,
    }
    await hooks.ask(work, "before_token", told)
    return True


def _check_may_leave(wanted: Wanted, provider: Provider) -> None:
    """Keep back what does not end by itself: whoever had it once would have it for good."""
    if not (wanted.reader and isinstance(provider, HeldAt)):
        return
    if not provider.way.may_leave or (wanted.token_only and not provider.way.is_fetching):
        raise NotPermitted(
            "credential_by_proxy_only",
            "This is no token that ends by itself: it is used by the proxy, and not handed out.",
        )


async def _renew(parts: Parts, site: Site, grant: Grant) -> Outcome:
    """Have a grant give another token; a credential is asked about by itself."""
    if grant.kind != "consent":
        return await renew_credential(parts, site, grant=grant)
    if grant.resource:
        return await fetch_for_resource(parts, site, grant=grant)
    return await refresh(
        parts,
        site,
        grant_id=grant.id,
        provider=grant.provider,
        seen_generation=grant.generation,
    )


async def _find(work: Work, wanted: Wanted) -> tuple[Connection, int | None, Shared | None]:
    """Read the connection in one statement; for a client with what it may do with it."""
    if wanted.client_id:
        found = await connections.find_shared(
            work,
            connection_id=wanted.connection_id,
            owner_id=wanted.user_id,
            reader=wanted.release_key,
            client_id=wanted.client_id,
        )
        if found is not None:
            return found
    else:
        owned = await connections.find_connection(
            work,
            connection_id=wanted.connection_id,
            owner_id=wanted.user_id,
            reader=wanted.release_key,
        )
        if owned is not None:
            return *owned, None
    raise NotFound("connection_not_found", "There is no such connection.")


async def _check_wanted(
    work: Work, connection: Connection, wanted: Wanted, *, provider: Provider
) -> None:
    """Refuse what the token is not good for, before an app learns it from the provider."""
    if connection.grant.resource and connection.grant.sealed_access is None:
        return  # what it will cover is known once there is one
    granted = connection.grant.granted_scopes
    if wanted.feature:
        offered = await features_at(work, provider, provider_id=connection.provider)
        noted = await noted_features(work, connection.id)
        feature = offered.get(wanted.feature)
        state = noted.get(wanted.feature)
        if (
            feature is None
            or standing_of(feature, state, provider=provider, granted=granted).state != "active"
        ):
            raise Conflict("feature_inactive", "The feature is not switched on; activate it.")
    lacking = wanted.scopes and set(provider.normalise(wanted.scopes)) - set(granted)
    if lacking:
        raise Conflict("scope_not_granted", "The connection was not granted these scopes.")


def _is_good_enough(
    grant: Grant, provider: Provider, now: dt.datetime, *, wanted: Wanted, lenient: bool
) -> bool:
    if grant.sealed_access is None:
        return False
    if is_settling(grant, provider=provider, now=now):
        return True  # newer than the shortest interval: asking again could not help (F28)
    if wanted.seen_generation == grant.token_generation:
        return False
    if is_fresh(grant, provider=provider, now=now, min_ttl=wanted.min_ttl):
        return True
    # What can't be renewed is as good as it will ever be, until it expires.
    serves = lenient or (grant.kind == "consent" and grant.sealed_refresh is None)
    return serves and grant.access_expires_at is not None and grant.access_expires_at > now


async def provider_of(work: Work, parts: Parts, grant: Grant) -> Provider:
    """Return the provider; a built-in one as it ships, without asking the database.

    What a client may do is judged by that one: a tenant's override says nothing of consent.
    """
    if grant.kind != "consent":
        return await holder_of(work, parts, grant)
    built_in = parts.catalogue.find(grant.provider, {})
    if built_in is not None and built_in.issuer_of_identities == grant.issuer:
        return built_in
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    return parts.catalogue.get(grant.provider, client.config)


def _may_retry(grant: Grant, now: dt.datetime) -> bool:
    return grant.is_leased or (grant.grace_until is not None and grant.grace_until > now)


async def _give_up(work: Work, grant: Grant) -> NoReturn:
    """The old token is of no use, the new one was lost: only its person can help now."""

    async def keep(later: Work) -> None:
        await end_grant(later, grant, reason="lost_rotation")

    work.even_if_refused(keep)
    _reconnect("lost_rotation")


def _reconnect(reason: str) -> NoReturn:
    raise Conflict(
        "connection_reauth_required",
        "This connection gives no more tokens: its owner must connect the account again.",
        detail=reason,
    )


def _unrefreshable(outcome: object) -> NoReturn:
    reason = outcome.reason if isinstance(outcome, Postponed) else "backing_off"
    if outcome in {CLIENT_REPLACED, PROVIDER_MOVED, NO_REFRESH_TOKEN}:
        _reconnect(reason)
    raise ProviderUnavailable(
        "provider_unavailable",
        "The provider can't renew this token at the moment.",
        detail=reason,
    )


async def _note(work: Work, connection: Connection, wanted: Wanted) -> None:
    """Audit a release: once for each reader and generation, so that reading stays reading."""
    grant = connection.grant
    await connections.note_release(
        work,
        connection_id=connection.id,
        reader=wanted.release_key,
        generation=grant.token_generation,
    )
    await work.record(
        TokenReleased(
            connection_id=connection.id,
            grant_id=grant.id,
            reader=wanted.reader,
            generation=grant.token_generation,
            resource=grant.resource,
        )
    )
