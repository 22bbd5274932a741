"""What a new installation needs: the default tenant, and somebody who may administer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.access.grant_role import grant_role
from limen.accounts.create_user import NewUser, create_user
from limen.accounts.directory import find_user_by_email
from limen.app.runtime import Runtime
from limen.db.work import Work
from limen.federation.upstream_clients import NewUpstreamClient, seed_upstream_client
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import Conflict
from limen.kernel.secret import Secret
from limen.kernel.tokens import random_secret
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.tenants.tenant import DEFAULT_SLUG, Tenant

ADMINISTRATOR: Final = "admin@example.org"
SIMULATED: Final = ("google", "youtube", "microsoft", "github", "notion", "slack")


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first account; its password is shown once and not kept."""

    email: str
    raw_password: Secret[str]


async def ensure_default_tenant(runtime: Runtime) -> Tenant:
    """Return the default tenant, made with its keys unless it exists.

    Two processes that start at once make one: the slug is unique, the loser looks again.
    """
    found = await runtime.directory.by_slug(DEFAULT_SLUG)
    if found is not None:
        return found
    try:
        return await create_tenant(
            runtime.works,
            new=NewTenant(slug=DEFAULT_SLUG, name="Limen"),
            base_url=runtime.settings.base_url,
            keys=(runtime.envelope.create_keys, runtime.keyring.create_keys),
            defaults=runtime.defaults,
            actor=OPERATOR,
        )
    except Conflict:
        return await runtime.directory.default()


async def ensure_administrator(runtime: Runtime) -> Administrator | None:
    """Create the development administrator; ``None`` when the address is taken already."""
    raw = random_secret()

    async def body(work: Work) -> Administrator | None:
        if await find_user_by_email(work, ADMINISTRATOR) is not None:
            return None
        user = await create_user(
            work,
            new=NewUser(email=ADMINISTRATOR, password=raw, verified=True),
            hasher=runtime.hasher,
        )
        await grant_role(work, principal_id=user.id, role="owner")
        return Administrator(ADMINISTRATOR, raw)

    tenant = await runtime.directory.default()
    return await runtime.works.run(tenant, body, actor=OPERATOR)


async def seed_providers(runtime: Runtime) -> None:
    """Give the default tenant the provider clients of the environment.

    In development a provider without one gets the client that its simulator knows.
    """
    tenant = await runtime.directory.default()
    clients = {
        provider: NewUpstreamClient(
            provider=provider,
            client_id=client.client_id,
            raw_secret=client.client_secret,
            values=client.values,
        )
        for provider, client in runtime.settings.providers.configured.items()
    }
    if runtime.settings.development.simulators:
        from limen.simulators.serve import (  # noqa: PLC0415 -- not in production
            CLIENT_ID,
            CLIENT_SECRET,
        )

        for provider in SIMULATED:
            simulated = NewUpstreamClient(
                provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
            )
            clients.setdefault(provider, simulated)

    async def body(work: Work) -> None:
        for new in clients.values():
            await seed_upstream_client(work, runtime.envelope, new=new)

    await runtime.works.run(tenant, body, actor=OPERATOR)
