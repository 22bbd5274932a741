"""Which of a provider's resources is meant, and a grant as it is seen for it. Pure."""

from __future__ import annotations

from dataclasses import replace

from limen.federation.facts import Resource
from limen.federation.provider import Provider
from limen.kernel.errors import InvalidInput
from limen.vault.model import Grant
from limen.vault.resources.store import ResourceToken


def find_resource(provider: Provider, raw: str) -> tuple[str, Resource]:
    """Return a resource by its name, or by what the provider calls it (RFC 8707).

    Raises:
        InvalidInput: ``resource_unknown``: the provider has none such, or nobody said where it is.
    """
    for name, resource in provider.facts.resources.items():
        if raw in {name, resource.identifier, f"{resource.identifier}/"}:
            return name, resource
    raise InvalidInput(
        "resource_unknown", "The provider gives no tokens for this.", field="resource"
    )


def resource_at(provider: Provider, host: str) -> str:
    """Return which resource a host is of; empty for the default one and for a host of none."""
    for name, resource in provider.facts.resources.items():
        if not resource.is_default and any(_is_at(host, each) for each in resource.hosts):
            return name
    return ""


def seen_for(
    grant: Grant, *, name: str, resource: Resource, token: ResourceToken | None, kills: bool
) -> Grant:
    """Return a grant with the access token of one resource in the place of its own.

    Its generation stays that of the refresh token, which is one for all.

    Args:
        grant: As it is for its provider's default.
        name: Of the resource.
        resource: What its token is for today: one for another place is none.
        token: What is kept.
        kills: Whether each refresh ends the access tokens of before.
    """
    seen = replace(
        grant,
        resource=name,
        audience=resource.identifier,
        sealed_access=None,
        granted_scopes=(),
        access_expires_at=None,
        lifetime_seconds=None,
        access_generation=0,
    )
    if token is None or token.audience != resource.identifier:
        return seen
    is_ended = kills and token.generation != grant.generation
    return replace(
        seen,
        sealed_access=None if is_ended else token.sealed_access,
        granted_scopes=token.granted_scopes,
        requested_at=token.requested_at,
        access_expires_at=token.access_expires_at,
        lifetime_seconds=token.lifetime_seconds,
        access_generation=token.generation,
        refused=token.refused or "",
    )


def _is_at(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
