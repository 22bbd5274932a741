"""Which API a token is for, and which scopes a client may have there."""

from __future__ import annotations

import functools
from typing import Final, final

from limen.access.permissions import ALL, CONNECTIONS_TOKEN, FULL_SCOPE
from limen.db.cache import Cache
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.kernel.site import Site
from limen.oauth.model import Client, Resource
from limen.oauth.store import resources as store
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import IDENTITY_SCOPES, OFFLINE_ACCESS, choose_scope
from limen.tenants.policy_of import policy_of
from limen.tenants.tenant import api_audience

_PUBLISHED_SECONDS: Final = 300.0
"""As long as a discovery document is good for: it shall not cost a statement each time."""

_MACHINES_NEVER: Final = frozenset(IDENTITY_SCOPES)


@final
class Resources:
    """The resources of all tenants; one instance per process."""

    def __init__(self) -> None:
        self._cache: Cache[Resource] = Cache("resource", read=store.find_resource)
        self._detail_types: Cache[tuple[str, ...]] = Cache(
            "detail_types",
            read=store.find_detail_types,
            max_age_seconds=_PUBLISHED_SECONDS,
        )

    async def find(self, work: Work, identifier: str) -> Resource | None:
        """Return a resource by its canonical identifier, at most two seconds old."""
        own = own_resource(work.site, identifier)
        return own if own is not None else await self._cache.get(work, identifier)

    async def detail_types(self, work: Work) -> tuple[str, ...]:
        """Return the types of ``authorization_details`` that some resource of ours declares."""
        return await self._detail_types.get(work, "") or ()

    async def resolve(self, work: Work, *, client: Client, requested: str | None) -> Resource:
        """Return what a token is for: what was asked, else the client's default, the tenant's, us.

        Args:
            work: Tells the tenant.
            client: Who asks.
            requested: In canonical form, as ``read_resource`` gives it.

        Raises:
            OAuthRefusal: ``invalid_target``: unknown or disabled (RFC 8707 section 2).
        """
        wanted = requested or client.default_resource or policy_of(work).default_resource
        if not wanted:
            return issuer_resource(work.site)
        found = await self.find(work, parse_resource(wanted))
        if found is None or not found.is_active:
            raise OAuthRefusal("invalid_target", "This resource is unknown.", field="resource")
        return found


async def check_default_resource(work: Work, identifier: str | None) -> str | None:
    """Return a client's default resource in canonical form, if there is such a resource.

    Raises:
        InvalidInput: ``resource_invalid``.
    """
    if identifier is None:
        return None
    try:
        canonical = parse_resource(identifier)
    except OAuthRefusal as refusal:
        raise InvalidInput("resource_invalid", refusal.public, field="default_resource") from None
    if own_resource(work.site, canonical) is None and not await store.find_resource(
        work, canonical
    ):
        raise InvalidInput(
            "resource_invalid", "There is no such resource.", field="default_resource"
        )
    return canonical


def issuer_resource(site: Site) -> Resource:
    """Return ourselves, whom tokens are for when no resource was asked."""
    return _our_own(site)[0]


def own_resource(site: Site, identifier: str) -> Resource | None:
    """Return the resource if it is one of ours: the issuer, or the tenant's JSON API."""
    for ours in _our_own(site):
        if identifier == parse_resource(ours.identifier):
            return ours
    return None


def _our_own(site: Site) -> tuple[Resource, Resource]:
    return _made(site.issuer, api_audience(site))


@functools.lru_cache(maxsize=2000)
def _made(issuer: str, api: str) -> tuple[Resource, Resource]:
    """Make a tenant's two once: every token request asks for them."""
    scopes = dict.fromkeys((*sorted(ALL), FULL_SCOPE), "")
    return (
        _own(issuer, name="", scopes={}, is_issuer=True),
        _own(api, name="", scopes=scopes, is_issuer=False),
    )


def allowed_scope(client: Client, resource: Resource) -> frozenset[str]:
    """Return all that a client may ever be granted at a resource.

    The full power of a person is for our own applications alone; ``offline_access`` is for
    those that can use a refresh token.
    """
    allowed = set(client.scope)
    if not resource.is_issuer:
        allowed &= {*resource.scopes, *IDENTITY_SCOPES}
    if not client.first_party:
        allowed.discard(FULL_SCOPE)
    if not client.may_use("refresh_token"):
        allowed.discard(OFFLINE_ACCESS)
    return frozenset(allowed)


def scopes_of_the_person(resource: Resource) -> frozenset[str]:
    """Return what at our own API is a person's: roles, account, connections.

    Of any other API what a token is exchanged for a third party's with, wherever it is for.

    Nobody obtains that on another's word, or with a token that was for something else: who may
    say whose word counts would have every role, every account, and every token of a third party
    that somebody keeps here (N205, N274).
    """
    if FULL_SCOPE not in resource.scopes:
        return frozenset({CONNECTIONS_TOKEN})
    return frozenset({*ALL, FULL_SCOPE})


def granted_scope(
    requested: tuple[str, ...] | None, *, client: Client, resource: Resource
) -> tuple[str, ...]:
    """Return what an authorization request may be granted.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    return choose_scope(
        requested,
        allowed=allowed_scope(client, resource),
        defaults=resource.default_scopes or client.default_scope,
    )


def machine_scope(
    requested: tuple[str, ...] | None, *, client: Client, resource: Resource
) -> tuple[str, ...]:
    """Return what a client may be granted for itself: nothing that speaks of a person.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    return choose_scope(
        requested,
        allowed=allowed_scope(client, resource) - _MACHINES_NEVER,
        defaults=resource.default_scopes or client.default_scope,
    )


def _own(identifier: str, *, name: str, scopes: dict[str, str], is_issuer: bool) -> Resource:
    return Resource(
        identifier=identifier,
        name=name,
        scopes=scopes,
        default_scopes=(),
        token_format="jwt",  # noqa: S106 -- a format
        access_token_ttl=None,
        version=0,
        disabled_at=None,
        is_issuer=is_issuer,
    )
