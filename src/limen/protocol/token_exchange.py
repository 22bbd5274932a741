"""The token exchange request and the words of it (RFC 8693), and those who act for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import parse_scope

_TYPE: Final = "urn:ietf:params:oauth:token-type:"
API_KEY: Final = "urn:limen:params:oauth:token-type:api-key"
ACCESS_TOKEN: Final = f"{_TYPE}access_token"
REFRESH_TOKEN: Final = f"{_TYPE}refresh_token"
ID_TOKEN: Final = f"{_TYPE}id_token"
JWT: Final = f"{_TYPE}jwt"
ID_JAG: Final = f"{_TYPE}id-jag"

EXTENSIONS: Final = (
    "limen_feature",
    "limen_min_ttl",
    "limen_resource",
    "limen_seen_generation",
)
"""As the query of a connection's token has them."""

MAX_TYPE_CHARACTERS: Final = 256
MAX_AUDIENCE_CHARACTERS: Final = 2048
MAX_ACTORS: Final = 4
"""How many act one behind the other; a longer chain says nothing anybody would check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """A token that somebody presents, and what it is said to be.

    Args:
        type: One of the identifiers of RFC 8693 section 3, or somebody's own.
    """

    raw: Secret[str]
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchangeRequest:
    """Exchange a token for another (RFC 8693 section 2.1).

    Attributes:
        requested_type: What is wanted; an access token if the request did not say.
        target: What it is for: the one ``resource`` or ``audience``, as sent; ``None`` for
            the client's default.
        resource: What ``resource`` says in canonical form, if it was sent.
        audience: What ``audience`` says, if it was sent.
        extensions: Parameters of our own, by name, for targets that are not ours (RFC 6749
            section 8.2).
    """

    subject: PresentedToken
    actor: PresentedToken | None
    requested_type: str
    resource: str | None
    audience: str | None
    scope: tuple[str, ...] | None
    extensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str | None:
        """What the token is for: the resource, else the audience."""
        return self.resource or self.audience


def parse_token_exchange(params: Params) -> TokenExchangeRequest:
    """Read a token exchange request.

    Both tokens must be there with their types; nothing stands in for an absent one (N108).

    Raises:
        OAuthRefusal: ``invalid_request``; ``invalid_target`` for more than one target.
    """
    subject = _presented(params, "subject_token")
    if subject is None:
        raise OAuthRefusal("invalid_request", "subject_token is missing.", field="subject_token")
    return TokenExchangeRequest(
        subject=subject,
        actor=_presented(params, "actor_token"),
        requested_type=_type(params, "requested_token_type") or ACCESS_TOKEN,
        resource=_single("resource", {parse_resource(raw) for raw in params.many("resource")}),
        audience=_single("audience", {_audience(raw) for raw in params.many("audience")}),
        scope=parse_scope(params.one("scope")),
        extensions={name: value for name in EXTENSIONS if (value := params.one(name)) is not None},
    )


def _presented(params: Params, name: str) -> PresentedToken | None:
    """Read a token and its type: both, or neither (RFC 8693 section 2.1)."""
    raw, kind = params.secret(name), _type(params, f"{name}_type")
    if raw is None and kind is None:
        return None
    if raw is None or kind is None:
        missing = name if raw is None else f"{name}_type"
        raise OAuthRefusal("invalid_request", f"{missing} is missing.", field=missing)
    return PresentedToken(raw=raw, type=kind)


def _type(params: Params, name: str) -> str | None:
    value = params.one(name)
    if value is not None and len(value) > MAX_TYPE_CHARACTERS:
        raise OAuthRefusal("invalid_request", f"{name} is no token type.", field=name)
    return value


def _audience(raw: str) -> str:
    """Return an audience: a resource in canonical form, or another's name as it is."""
    if len(raw) > MAX_AUDIENCE_CHARACTERS:
        raise OAuthRefusal("invalid_target", "The audience is too long.", field="audience")
    return raw


def _single(name: str, named: set[str]) -> str | None:
    if len(named) > 1:
        raise OAuthRefusal(
            "invalid_target", "A token is for one target; ask for each apart.", field=name
        )
    return named.pop() if named else None


def acting(actor: Mapping[str, Any], *, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``act`` once somebody acts: who it is, and who acted before (RFC 8693 section 4.1).

    Args:
        actor: ``sub``, and ``iss`` where it is not ours.
        before: ``act`` of the subject token.

    Raises:
        OAuthRefusal: ``invalid_request``: the chain is too long, or no chain at all.
    """
    if before is None:
        return dict(actor)
    _check_chain(before)
    return {**actor, "act": dict(before)}


def _check_chain(act: Mapping[str, Any]) -> None:
    """Refuse a chain to which nobody may be added, or that is none."""
    link: Any = act
    for _ in range(MAX_ACTORS - 1):
        if not isinstance(link, Mapping) or not isinstance(link.get("sub"), str):
            break
        if "act" not in link:
            return
        link = link["act"]
    raise OAuthRefusal("invalid_request", "Too many act one for the other.", field="subject_token")


def is_named_by(may_act: object, actor: Mapping[str, Any], *, issuer: str) -> bool:
    """Say whether ``may_act`` names an actor (RFC 8693 section 4.4).

    Every member that it has must be the actor's: a condition that is not understood is not met.

    Args:
        may_act: The claim, whatever it is.
        actor: ``sub``, and ``iss`` where it is not ours.
        issuer: Ours, where neither names one.
    """
    if not isinstance(may_act, Mapping) or "sub" not in may_act:
        return False
    known = {"iss": issuer, **actor}
    return all(name in known and known[name] == value for name, value in may_act.items())
