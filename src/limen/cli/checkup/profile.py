"""What an installation lacks to keep to a profile: FAPI 2.0, its message signing, MCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.cli.checkup.finding import Finding, ok, problem, warning
from limen.cli.inside import opened
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import ConfigurationError, Refusal

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.oauth.model import Client
    from limen.protocol.client_metadata import Profile
    from limen.settings import Settings
    from limen.tenants.tenant import Tenant

_LONGEST_CODE_SECONDS: Final = 60


async def look_at_profile(settings: Settings, profile: Profile) -> list[Finding]:
    """Say of every tenant and client what the profile asks for and does not find.

    Clients that serve others than the profile's may stay as they are: they are named so that
    nobody overlooks one.
    """
    found = _look_at_settings(settings, profile)
    try:
        async with opened(settings) as runtime:
            for tenant in await runtime.directory.all():
                found += await _look_at_tenant(runtime, tenant, profile)
    except (ConfigurationError, Refusal) as error:
        found.append(problem(f"profile {profile}", f"the installation does not open: {error}"))
    return found


def _look_at_settings(settings: Settings, profile: Profile) -> list[Finding]:
    check = f"profile {profile}"
    found = []
    if not settings.base_url.startswith("https://"):
        found.append(problem(check, "the issuer is not https; set LIMEN_BASE_URL."))
    if profile != "mcp" and settings.tokens.code_ttl.total_seconds() > _LONGEST_CODE_SECONDS:
        found.append(problem(check, "codes live for more than 60 seconds; lower their lifetime."))
    return found or [ok(check, "the settings allow it")]


async def _look_at_tenant(runtime: Runtime, tenant: Tenant, profile: Profile) -> list[Finding]:
    from limen.protocol.client_metadata import keeps_to  # noqa: PLC0415 -- loaded when it runs

    check = f"tenant {tenant.slug}"
    found = []
    bound = tenant.policy.profile if keeps_to(tenant.policy.profile, demanded=profile) else ""
    if not bound:
        text = f"its clients need not keep to it; set its profile to {profile}."
        found.append(warning(check, text))
    clients = await _clients(runtime, tenant)
    for client in clients:
        found += _look_at_client(client, profile, bound=bound)
    return [*found, ok(check, f"{len(clients)} clients looked at")]


async def _clients(runtime: Runtime, tenant: Tenant) -> list[Client]:
    from limen.oauth.registry.listing import MOST, list_clients  # noqa: PLC0415 -- loaded when it runs

    async def body(work: Work) -> list[Client]:
        page = await list_clients(work, runtime.envelope, limit=MOST)
        seen = [*page.items]
        while page.next_cursor:
            page = await list_clients(work, runtime.envelope, cursor=page.next_cursor, limit=MOST)
            seen += page.items
        return [client for client in seen if client.is_active]

    return await runtime.works.run(tenant, body, actor=OPERATOR)


def _look_at_client(client: Client, profile: Profile, *, bound: Profile) -> list[Finding]:
    """Say what of a registration the profile refuses; nothing of one that keeps to it.

    Args:
        client: As registered.
        profile: Which is looked at.
        bound: What its tenant keeps to, if that is enough: its requests are held to it anyway.
    """
    from limen.protocol.client_metadata import (  # noqa: PLC0415 -- as above
        problems_under,
        under_profile,
    )

    check = f"client {client.client_id}"
    if bound:
        _, refused = under_profile(client.metadata, bound)
        return [
            problem(check, f"{client.name} is refused: {field}: {text}") for field, text in refused
        ]
    missing = [
        problem(check, f"{client.name}: {field}: {text}")
        for field, text in problems_under(client.metadata, profile)
    ]
    if missing or client.metadata.profile == profile:
        return missing
    return [warning(check, f"{client.name} could keep to it; set its profile to {profile}.")]


def as_profile(name: str) -> Profile | None:
    """Return the profile of that name; ``None`` if there is none."""
    from limen.protocol.client_metadata import PROFILES  # noqa: PLC0415 -- as above

    return next((profile for profile in PROFILES if profile and profile == name), None)
