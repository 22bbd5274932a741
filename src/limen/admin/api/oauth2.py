"""``/api/v1/admin/oauth2``: who has which accounts at providers; tokens, figures, the log."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.nobody_above import check_not_above
from limen.access.permissions import (
    AUDIT_READ,
    STATS_READ,
    TOKENS_READ,
    TOKENS_WRITE,
    USERS_READ,
    USERS_WRITE,
)
from limen.access.require import require
from limen.accounts.directory import get_user
from limen.accounts.events import PictureChanged, ProfileChanged
from limen.admin.oauth2_schemas import (
    ProviderAuditQuery,
    ProviderStats,
    ProviderStatsList,
    ProviderTokenPage,
    ProviderTokenQuery,
    ProviderTokenView,
    ProviderUserPage,
    ProviderUserQuery,
    ProviderUserView,
)
from limen.admin.paging import open_page, seal_page
from limen.admin.parts import Parts
from limen.admin.schemas import AuditEventView, AuditPageView
from limen.audit.search import AuditFilters, search
from limen.db.work import Work
from limen.federation import events as federation
from limen.federation.identities import list_identities, unlink_identity
from limen.federation.profile.identity_id import Identity, identity_id
from limen.federation.profile.people_listing import page_of_identities, use_of_providers
from limen.federation.profile.read import read_profile
from limen.federation.upstream_clients import list_upstream_clients
from limen.kernel.errors import InvalidInput, NotFound
from limen.kernel.events import Event
from limen.signin.provider.link import find_named
from limen.tenants import policy_of
from limen.vault import events as vault
from limen.vault.disconnect import disconnect
from limen.vault.endpoints.using import DaysQuery, UsageModel
from limen.vault.listing import count_held_tokens, list_held_tokens, owner_of_connection
from limen.vault.quota.show import show_usage_by_client
from limen.web.deps import CurrentWork

_Id = Annotated[str, Path(max_length=64)]
NAMES: Final = tuple(
    sorted(
        {
            each.name
            for module in (federation, vault)
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, Event) and each is not Event
        }
        | {ProfileChanged.name, PictureChanged.name}
    )
)
"""The events of this log: of providers, identities, profiles and connections."""


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/oauth2", tags=["admin: oauth2"], route_class=kind)
    _add_users(router, parts)
    _add_tokens(router, parts)
    _add_figures(router)
    _add_usage(router, parts)
    _add_audit(router, parts)
    return router


def _add_users(router: APIRouter, parts: Parts) -> None:
    @router.get("/users", dependencies=[require(USERS_READ)])
    async def users(
        work: CurrentWork, query: Annotated[ProviderUserQuery, Query()]
    ) -> ProviderUserPage:
        """List who signs in with which account at which provider."""
        return await _list_users(work, parts, query)

    @router.delete(
        "/users/{user_id}/identities/{identity}",
        status_code=204,
        dependencies=[require(USERS_WRITE)],
    )
    async def unlink(work: CurrentWork, user_id: _Id, identity: _Id) -> None:
        """Let an account at a provider sign a person in no more, even if it is the last way."""
        await get_user(work, user_id)
        await check_not_above(work, principal_id=user_id)
        found = find_named(await list_identities(work, user_id=user_id), identity)
        await unlink_identity(work, identity=found, reason="administrator")


def _add_tokens(router: APIRouter, parts: Parts) -> None:
    @router.get("/tokens", dependencies=[require(TOKENS_READ)])
    async def tokens(
        work: CurrentWork, query: Annotated[ProviderTokenQuery, Query()]
    ) -> ProviderTokenPage:
        """List what is kept of people's accounts at providers; never a token."""
        place = ("oauth2-tokens", query.provider, query.user_id)
        after = await open_page(work, parts.envelope, cursor=query.cursor, place=place)
        found = await list_held_tokens(
            work,
            after=after,
            most=query.limit + 1,
            provider=query.provider,
            user_id=query.user_id,
        )
        shown = found[: query.limit]
        last = shown[-1].id if len(found) > query.limit else ""
        cursor = await seal_page(work, parts.envelope, last=last, place=place)
        views = [ProviderTokenView.of(held) for held in shown]
        return ProviderTokenPage(tokens=views, next_cursor=cursor)

    @router.delete("/tokens/{connection_id}", status_code=204, dependencies=[require(TOKENS_WRITE)])
    async def revoke(work: CurrentWork, connection_id: _Id) -> None:
        """End somebody's connection; the provider is told, and what was kept is erased."""
        if parts.vault is None:
            raise NotFound("connection_not_found", "There is no such connection.")
        owner = await owner_of_connection(work, connection_id)
        await disconnect(work, parts.vault, connection_id=connection_id, user_id=owner)


def _add_figures(router: APIRouter) -> None:
    @router.get("/stats", dependencies=[require(STATS_READ)])
    async def stats(work: CurrentWork) -> ProviderStatsList:
        """Tell how much each provider is used."""
        used = {each.provider: each for each in await use_of_providers(work)}
        held = await count_held_tokens(work)
        offers = policy_of(work).sign_in.offers
        shown = []
        for record in await list_upstream_clients(work):
            use = used.get(record.provider)
            shown.append(
                ProviderStats(
                    provider=record.provider,
                    enabled=record.state == "enabled",
                    offered_for_sign_in=offers(record.provider),
                    status="failing" if record.incident else "ok",
                    identities=use.identities if use else 0,
                    people=use.people if use else 0,
                    active_today=use.active_today if use else 0,
                    active_last_30_days=use.active_recently if use else 0,
                    linked_last_30_days=use.linked_recently if use else 0,
                    connections={
                        each.state: each.count for each in held if each.provider == record.provider
                    },
                )
            )
        return ProviderStatsList(providers=shown)


def _add_usage(router: APIRouter, parts: Parts) -> None:
    @router.get("/usage", dependencies=[require(STATS_READ)])
    async def usage(
        work: CurrentWork,
        provider: Annotated[str, Query(max_length=40)],
        days: DaysQuery = 7,
    ) -> UsageModel:
        """Tell how much of a provider's quota each client used, over everybody's connections."""
        if parts.vault is None:
            raise NotFound("provider_unknown", "There is no such provider here.")
        shown = await show_usage_by_client(work, parts.vault, provider=provider, days=days)
        return UsageModel.of(shown)


def _add_audit(router: APIRouter, parts: Parts) -> None:
    @router.get("/audit", dependencies=[require(AUDIT_READ)])
    async def audit(
        work: CurrentWork, query: Annotated[ProviderAuditQuery, Query()]
    ) -> AuditPageView:
        """Search the log for what concerns providers, newest first."""
        if query.name and query.name not in NAMES:
            raise InvalidInput("name_unknown", "No such event concerns providers.", field="name")
        filters = AuditFilters(
            names=(query.name,) if query.name else NAMES,
            outcome=query.outcome or "",
            actor_id=query.actor_id,
            user_id=query.user_id,
            since=query.since,
            until=query.until,
        )
        key = await parts.envelope.derive(work, "cursor")
        page = await search(work, filters=filters, key=key, cursor=query.cursor, limit=query.limit)
        views = [AuditEventView.of(event) for event in page.events]
        return AuditPageView(events=views, next_cursor=page.next_cursor)


async def _list_users(work: Work, parts: Parts, query: ProviderUserQuery) -> ProviderUserPage:
    if query.user_id:
        own = await list_identities(work, user_id=query.user_id)
        of_provider = [each for each in own if query.provider in {"", each.provider}]
        views = [await _user_view(work, parts, each) for each in of_provider]
        return ProviderUserPage(users=views, next_cursor="")
    place = ("oauth2-users", query.provider)
    after = await open_page(work, parts.envelope, cursor=query.cursor, place=place)
    issuer, subject = json.loads(after) if after else ("", "")
    found = await page_of_identities(
        work, after=(issuer, subject), most=query.limit + 1, provider=query.provider
    )
    shown = found[: query.limit]
    more = len(found) > query.limit
    last = json.dumps([shown[-1].issuer, shown[-1].subject]) if more else ""
    cursor = await seal_page(work, parts.envelope, last=last, place=place)
    views = [await _user_view(work, parts, each) for each in shown]
    return ProviderUserPage(users=views, next_cursor=cursor)


async def _user_view(work: Work, parts: Parts, identity: Identity) -> ProviderUserView:
    name = identity_id(identity.issuer, identity.subject)
    profile = await read_profile(work, parts.envelope, user_id=identity.user_id, with_history=False)
    said = next((each for each in profile.said if each.id == name), None)
    return ProviderUserView(
        identity=name,
        user_id=identity.user_id,
        provider=identity.provider,
        provider_user_id=identity.subject,
        email=said.words.email if said else None,
        email_verified=bool(said and said.words.email_verified),
        name=said.words.name if said else None,
        avatar_url=said.words.picture if said else None,
        linked_at=identity.linked_at,
        last_used_at=identity.last_used_at,
        last_sync=said.record.last_sync_at if said else None,
    )
