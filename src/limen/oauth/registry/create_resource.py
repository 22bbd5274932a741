"""Create a resource: an API that tokens can be asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, OAuthRefusal
from limen.oauth.events import ResourceCreated
from limen.oauth.model import Resource, TokenFormat
from limen.oauth.registry.resource_rules import check_resource
from limen.oauth.resources import own_resource
from limen.oauth.store import resources as store
from limen.protocol.client_metadata import ResourceAlg
from limen.protocol.detail_types import parse_declarations
from limen.protocol.resource_indicator import parse_resource
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.update_policy import update_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResource:
    """A resource to be created.

    Args:
        identifier: An absolute URI; becomes ``aud`` in its canonical form.
        scopes: Its scopes.
        texts: For any of them what people read at consent.
        default_scopes: What a request gets that names no scope.
        access_token_ttl: ``None`` for the tenant's.
        signing_alg: What its JWTs are signed with.
        claims: Rules for claims of its own; see ``protocol.claims_mapping``.
        sender_constrained: Whether its tokens must be bound to a key.
        authorization_details_types: What may be asked for in detail; see
            ``protocol.detail_types``.
        is_default: Whether tokens are for it when no resource was asked for.
    """

    identifier: str
    name: str = ""
    scopes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    default_scopes: tuple[str, ...] = ()
    token_format: TokenFormat = "jwt"  # noqa: S105 -- a format
    access_token_ttl: dt.timedelta | None = None
    signing_alg: ResourceAlg = "ES256"
    claims: Mapping[str, Any] = field(default_factory=dict)
    sender_constrained: bool = False
    authorization_details_types: Mapping[str, Any] = field(default_factory=dict)
    is_default: bool = False


async def create_resource(
    work: Work, *, new: NewResource, defaults: TenantPolicy = DEFAULT_POLICY
) -> Resource:
    """Create a resource.

    Args:
        work: The transaction.
        new: What it is to be.
        defaults: What the server's settings say of the tenant's policy, which names the default
            resource: as a whole it must go with them.

    Raises:
        InvalidInput: ``resource_invalid``, ``scope_invalid``, ``ttl_invalid`` or
            ``claims_invalid``; ``policy_invalid`` for one that is to be the default.
        Conflict: ``resource_exists``.
    """
    identifier = _identifier(new.identifier)
    resource = Resource(
        identifier=identifier,
        name=new.name[:100],
        scopes={scope: new.texts.get(scope, "") for scope in new.scopes},
        default_scopes=new.default_scopes,
        token_format=new.token_format,
        access_token_ttl=new.access_token_ttl,
        signing_alg=new.signing_alg,
        claims=new.claims,
        sender_constrained=new.sender_constrained,
        authorization_details_types=parse_declarations(new.authorization_details_types),
        version=1,
        disabled_at=None,
    )
    check_resource(resource)
    if own_resource(work.site, identifier) or not await store.add_resource(work, resource):
        raise Conflict("resource_exists", "There is a resource with this identifier.")
    if new.is_default:
        changes = {"default_resource": identifier}
        await update_policy(work, changes=changes, defaults=defaults)
    forget(work, kind="detail_types", name="")
    await work.record(ResourceCreated(resource=identifier))
    return resource


def _identifier(raw: str) -> str:
    try:
        return parse_resource(raw)
    except OAuthRefusal as refusal:
        raise InvalidInput("resource_invalid", refusal.public, field="identifier") from None
