"""Create a tenant with its keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from limen.db.work import Work, Works
from limen.kernel.actor import SYSTEM, Actor
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.ids import new_tenant_id
from limen.tenants import store
from limen.tenants.events import TenantCreated
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.tenant import Tenant, check_host, check_slug, site_urls

_MAX_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """What a tenant is created from.

    Args:
        slug: Its name in ``/t/{slug}``.
        name: What its users read; the slug if empty.
        host: Its own host name, if it has one.
        policy: The members of its policy that it chooses.
    """

    slug: str
    name: str = ""
    host: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)


async def create_tenant(
    works: Works,
    *,
    new: NewTenant,
    base_url: str,
    keys: Sequence[Callable[[Work], Awaitable[None]]],
    defaults: TenantPolicy = DEFAULT_POLICY,
    actor: Actor = SYSTEM,
) -> Tenant:
    """Create a tenant and its keys in one transaction of its own.

    It receives ``works`` because it runs in the new tenant's Work, not in the caller's.

    Args:
        works: To run that Work.
        new: What to create.
        base_url: ``LIMEN_BASE_URL``.
        keys: Make the tenant's sealing and signing keys, in this order, in its Work.
        defaults: What its policy says where it chose nothing: both have to hold together.
        actor: Who asks.

    Raises:
        InvalidInput: ``slug_invalid``, ``host_invalid``, ``name_invalid``, ``policy_invalid``.
        Conflict: ``tenant_exists``: the slug or the host is another's.
    """
    tenant = _plan(new, base_url, defaults=defaults)

    async def body(work: Work) -> None:
        if not await store.add_tenant(work, name=tenant.name, host=tenant.host, members=new.policy):
            raise _exists(field="slug")
        for create_keys in keys:
            await create_keys(work)
        await work.record(TenantCreated(slug=tenant.slug))

    await works.run(tenant, body, actor=actor)
    return tenant


def _plan(new: NewTenant, base_url: str, *, defaults: TenantPolicy) -> Tenant:
    slug = check_slug(new.slug)
    host = None if new.host is None else check_host(new.host)
    if host is not None and host == urlsplit(base_url).hostname:
        # It would have the default tenant's issuer, and never be reached behind it.
        raise _exists(field="host")
    name = new.name.strip() or slug
    if len(name) > _MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput("name_invalid", "A tenant's name is a line of text.", field="name")
    issuer, path = site_urls(base_url, slug=slug, host=host)
    return Tenant(
        tenant_id=new_tenant_id(),
        slug=slug,
        issuer=issuer,
        path=path,
        name=name,
        host=host,
        policy=defaults.with_members(new.policy),
        version=1,
        state="active",
    )


def _exists(*, field: str) -> Conflict:
    return Conflict("tenant_exists", "Another tenant has this name or this host.", field=field)
