"""From host, path or id to tenant, mostly without asking the database."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from limen.db.cache import remember
from limen.db.work import Work, Works
from limen.kernel.errors import ConfigurationError, InvalidInput
from limen.kernel.site import ALL_TENANTS
from limen.observe import logger
from limen.tenants import store
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.store import MEMORY, TenantRecord
from limen.tenants.tenant import DEFAULT_SLUG, Tenant, site_urls

_Key = tuple[str, str]
_log = logger("limen.tenants")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a tenant chose of its policy.

    Attributes:
        tenant: Where it is; suspended if its policy does not hold.
        members: As stored; the others follow the server's settings.
        refusal: Why they do not go with these settings; empty if they do.
    """

    tenant: Tenant
    members: Mapping[str, Any]
    refusal: str = ""


def mending(slug: str, refusal: str) -> str:
    """Say what is wrong with a tenant's policy and by which command it is mended."""
    command = f"limen tenant policy {slug} --file CHANGES.json"
    return (
        f"The policy of {slug!r} does not go with the server's settings: {refusal}"
        f" Change these, or the policy: {command}"
    )


class Directory:
    """The tenants, cached in this process.

    What this process changes itself it knows at once. Of a change elsewhere an entry may lag by
    as long as ``refresh`` is not called (2 s in the server); what it confirms nowhere else is
    only policy. A miss is never cached: a tenant made a moment ago on another node is found.

    Args:
        works: To look in the database.
        base_url: ``LIMEN_BASE_URL``; issuers are built on it, never on a request.
        defaults: What a tenant's policy says where the tenant chose nothing.
        max_entries: The most tenants kept; the least recently used go first.
    """

    kind = MEMORY

    def __init__(
        self,
        works: Works,
        *,
        base_url: str,
        defaults: TenantPolicy = DEFAULT_POLICY,
        max_entries: int = 1000,
    ) -> None:
        self._works = works
        self._base_url = base_url
        self._base_host = urlsplit(base_url).hostname
        self._defaults = defaults
        self._max_entries: Final = max_entries
        self._cache: OrderedDict[_Key, Tenant] = OrderedDict()
        self._stamp: tuple[int, int] | None = None
        self._forgotten = 0
        remember(self)

    async def by_slug(self, slug: str) -> Tenant | None:
        """Return the tenant of that name, suspended ones too."""
        return await self._find(("slug", slug), lambda work: store.find_by_slug(work, slug))

    async def by_host(self, host: str) -> Tenant | None:
        """Return the tenant whose own host that is; lower case, without port.

        The host of ``LIMEN_BASE_URL`` is the default tenant's: nobody asks the database about
        it, which every request would otherwise do.
        """
        if host == self._base_host:
            return None
        return await self._find(("host", host), lambda work: store.find_by_host(work, host))

    async def by_id(self, tenant_id: str) -> Tenant | None:
        """Return the tenant with that id."""
        return await self._find(("id", tenant_id), lambda work: store.find_by_id(work, tenant_id))

    async def default(self) -> Tenant:
        """Return the tenant at the root issuer.

        Raises:
            ConfigurationError: If the database holds none: it was never set up.
        """
        found = await self.by_slug(DEFAULT_SLUG)
        if found is None:
            raise ConfigurationError("There is no default tenant; run `limen migrate` first.")
        return found

    async def all(self) -> list[Tenant]:
        """Return every tenant as the database has it now."""
        records = await self._works.run(ALL_TENANTS, store.list_all)
        return [self.tenant(record) for record in records]

    async def refresh(self) -> bool:
        """Empty the cache if a tenant changed since the last call; say whether one did."""
        stamp = await self._works.run(ALL_TENANTS, store.read_stamp)
        changed = stamp != self._stamp
        if changed:
            self._cache.clear()
            self._forgotten += 1
        self._stamp = stamp
        return changed

    def forget(self, tenant_id: str, name: str) -> None:
        """Drop a tenant, whichever name it is kept under: this process changed it itself."""
        del name
        self._forgotten += 1
        for key in [key for key, kept in self._cache.items() if kept.tenant_id == tenant_id]:
            del self._cache[key]

    async def chosen(self, slug: str) -> Chosen | None:
        """Return what a tenant chose itself, also if that keeps it from answering."""
        record = await self._works.run(ALL_TENANTS, lambda work: store.find_by_slug(work, slug))
        if record is None:
            return None
        tenant, refusal = self._placed(record)
        return Chosen(tenant, record.members, "" if refusal is None else refusal.public)

    def tenant(self, record: TenantRecord) -> Tenant:
        """Give a stored tenant its addresses.

        One whose policy does not hold any more, as the server's settings have changed, answers
        nobody until it is changed; the others are not kept from answering by it.

        Raises:
            InvalidInput: ``policy_invalid``, of the default tenant: it answers for all.
        """
        tenant, refusal = self._placed(record)
        if refusal is not None:
            told = mending(record.slug, refusal.public)
            if record.slug == DEFAULT_SLUG:
                raise InvalidInput("policy_invalid", told, field=refusal.field)
            _log.error("policy does not hold", slug=record.slug, refusal=told)
        return tenant

    def _placed(self, record: TenantRecord) -> tuple[Tenant, InvalidInput | None]:
        """Return a tenant at its addresses; with what refuses its policy, one that is off."""
        issuer, path = site_urls(self._base_url, slug=record.slug, host=record.host)
        policy, state, refused = self._defaults, record.state, None
        try:
            policy = self._defaults.with_members(record.members)
        except InvalidInput as refusal:
            state, refused = "suspended", refusal
        tenant = Tenant(
            tenant_id=record.tenant_id,
            slug=record.slug,
            issuer=issuer,
            path=path,
            name=record.name,
            host=record.host,
            policy=policy,
            version=record.version,
            state=state,
        )
        return tenant, refused

    async def _find(
        self, key: _Key, look: Callable[[Work], Awaitable[TenantRecord | None]]
    ) -> Tenant | None:
        cached = self._cache.get(key)
        if cached is not None:
            self._cache.move_to_end(key)
            return cached
        forgotten = self._forgotten
        record = await self._works.run(ALL_TENANTS, look)
        if record is None:
            return None
        tenant = self.tenant(record)
        if forgotten != self._forgotten:  # changed while it was read: it may be of before
            return tenant
        self._cache[key] = tenant
        while len(self._cache) > self._max_entries:
            self._cache.popitem(last=False)
        return tenant
