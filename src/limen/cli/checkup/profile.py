"""What an installation lacks to keep to a profile: FAPI 2.0, its message signing, MCP."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from limen.cli.checkup.finding import Finding, ok, problem, warning
from limen.cli.inside import opened
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import ConfigurationError, Refusal

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.oauth.model import Client
    from limen.protocol.client_metadata import ClientMetadata, Profile
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
    if not keeps_to(tenant.policy.profile, demanded=profile):
        text = f"its clients need not keep to it; set its profile to {profile}."
        found.append(warning(check, text))

    async def body(work: Work) -> list[list[Finding]]:
        return [_look_at_client(work, each, profile) for each in await _clients(runtime, work)]

    of_clients = await runtime.works.run(tenant, body, actor=OPERATOR)
    found += [finding for findings in of_clients for finding in findings]
    return [*found, ok(check, f"{len(of_clients)} clients looked at")]


async def _clients(runtime: Runtime, work: Work) -> list[Client]:
    from limen.oauth.registry.listing import MOST, list_clients  # noqa: PLC0415 -- loaded when it runs

    page = await list_clients(work, runtime.envelope, limit=MOST)
    seen = [*page.items]
    while page.next_cursor:
        page = await list_clients(work, runtime.envelope, cursor=page.next_cursor, limit=MOST)
        seen += page.items
    return [client for client in seen if client.is_active]


def _look_at_client(work: Work, client: Client, profile: Profile) -> list[Finding]:
    """Say what of a registration the profile refuses; nothing of one that keeps to it.

    A client is judged as its requests are: as its tenant's policy binds it.

    Args:
        work: Of its tenant.
        client: As registered.
        profile: Which is looked at.
    """
    from limen.oauth.clients import in_force  # noqa: PLC0415 -- loaded when it runs
    from limen.oauth.registry.register_client import (  # noqa: PLC0415 -- as above
        FIRST_PARTY_CLIENT_ID,
    )
    from limen.protocol.client_metadata import keeps_to, problems_under  # noqa: PLC0415 -- as above

    if client.client_id == FIRST_PARTY_CLIENT_ID:
        return _look_at_sign_in(work, profile)
    check = f"client {client.client_id}"
    held = in_force(work, client) or client
    if held.held_back:
        return [problem(check, f"{client.name} is refused: {held.held_back}.")]
    if keeps_to(held.metadata.profile, demanded=profile):
        return []
    missing = [
        problem(check, f"{client.name}: {field}: {text}")
        for field, text in problems_under(_as_demanded(work, held), profile)
    ]
    if missing:
        return missing
    return [warning(check, f"{client.name} could keep to it; set its profile to {profile}.")]


def _as_demanded(work: Work, client: Client) -> ClientMetadata:
    """Return a registration with what the tenant demands of it where it says nothing itself."""
    from limen.oauth.authorization.checks import has_to_push, has_to_sign  # noqa: PLC0415 -- as above
    from limen.oauth.client_authentication.by_assertion import (  # noqa: PLC0415 -- as above
        audience_in_force,
    )

    return dataclasses.replace(
        client.metadata,
        assertion_audience=audience_in_force(work, client),
        require_pushed_authorization_requests=has_to_push(work, client),
        require_signed_request_object=has_to_sign(work, client),
    )


def _look_at_sign_in(work: Work, profile: Profile) -> list[Finding]:
    """Judge the built-in client: sign-in makes its tokens, by the tenant's profile alone."""
    from limen.signin.token_pair import CLIENT_ID, binds_pairs  # noqa: PLC0415 -- as above

    if "fapi2" not in profile or binds_pairs(work):
        return []
    text = f"tokens of a sign-in are whoever's has them; set the tenant's profile to {profile}."
    return [warning(f"client {CLIENT_ID}", text)]


def as_profile(name: str) -> Profile | None:
    """Return the profile of that name; ``None`` if there is none."""
    from limen.protocol.client_metadata import PROFILES  # noqa: PLC0415 -- as above

    return next((profile for profile in PROFILES if profile and profile == name), None)
