"""Whether a client is given a connection's token, or the use of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from limen.federation.provider import Provider
from limen.kernel.errors import NotPermitted
from limen.vault.model import Grant
from limen.vault.store.connections import Shared

Use = Literal["raw", "proxy", "look"]
"""``raw``: the token leaves; ``proxy``: it is used here; ``look``: neither."""
ASK_AT: Final = "/api/v1/oauth/sharing-requests"
"""Where a client asks a person to share a connection with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client wants with a connection.

    Args:
        feature: What for; empty for whatever it may.
        askable: Its owner is a person, whom the client can ask.
    """

    use: Use
    feature: str = ""
    askable: bool = False


def check_release(shared: Shared, asked: Asked, *, grant: Grant, provider: Provider) -> None:
    """Refuse what the administrator's policy or the owner's consent does not cover.

    A raw token carries every scope of its grant, whatever a client asked for: it leaves only
    where the owner agreed to all of them, and to its leaving: an administrator who lets a client
    have tokens later gives it none of who agreed to the proxy. The proxy lets a client use a part.

    Raises:
        NotPermitted: ``release_not_allowed``, ``release_by_proxy_only``,
            ``connection_consent_required``, ``raw_consent_required``, ``release_too_broad``.
    """
    if shared.mode not in {"raw", "proxy"}:
        raise NotPermitted("release_not_allowed", "This client may not use people's connections.")
    if asked.use == "raw" and shared.mode != "raw":
        raise NotPermitted(
            "release_by_proxy_only", "This client may use connections by the proxy alone."
        )
    agreed = shared.features
    if agreed is None or (asked.feature and asked.feature not in agreed):
        raise _to_be_asked(
            "connection_consent_required",
            "The connection's owner has not agreed that this client may use it so.",
            asked,
        )
    if asked.use == "raw" and shared.agreed != "raw":
        raise _to_be_asked(
            "raw_consent_required",
            "The owner agreed to the proxy alone; use that, or ask them to share the token itself.",
            asked,
        )
    if asked.use == "raw" and not_agreed(grant.granted_scopes, shared, provider=provider):
        raise _to_be_asked(
            "release_too_broad",
            "The token allows more than the owner agreed to share; use the proxy, or ask for all.",
            asked,
        )


def _to_be_asked(code: str, public: str, asked: Asked) -> NotPermitted:
    refusal = NotPermitted(code, public)
    refusal.ask_at = ASK_AT if asked.askable else ""
    return refusal


def not_agreed(granted: Iterable[str], shared: Shared, *, provider: Provider) -> tuple[str, ...]:
    """Return the scopes of a token that its owner did not agree to share; who they are aside."""
    free = provider.normalise(provider.facts.free_scopes)
    allowed = {*shared.scopes, *free}
    return tuple(each for each in granted if each not in allowed)
