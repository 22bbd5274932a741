"""Pure: what a provider said of a person, as it is kept and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.federation.provider import ExternalIdentity

_MAX_PROFILE_CHARS: Final = 16_384
_MAX_TEXT_CHARS: Final = 1000
_OF_THE_PROTOCOL: Final = frozenset(
    {
        "iss",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sid",
        "nonce",
        "at_hash",
        "c_hash",
        "s_hash",
        "auth_time",
        "acr",
        "amr",
        "aio",
        "rh",
        "uti",
        "ver",
        "nonce_supported",
        "access_token",
        "refresh_token",
        "id_token",
    }
)
"""Members that speak of one answer and not of the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a provider said of a person.

    Args:
        email: May be absent, and is never a key.
        picture: Where the provider shows it.
        profile: Its own members, without those of the protocol.
    """

    label: str = ""
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    picture: str | None = None
    locale: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it to be sealed."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps(members, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, raw: str) -> Words:
        """Read what ``to_json`` wrote; members of another version are passed over."""
        told = json.loads(raw)
        return cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})

    def offered(self) -> dict[str, str | None]:
        """Return the fields of an account's profile that this says something of."""
        return {
            "name": self.name,
            "given_name": _text(self.profile.get("given_name")),
            "family_name": _text(self.profile.get("family_name")),
            "locale": self.locale,
        }


def words_of(identity: ExternalIdentity) -> Words:
    """Return what an identity's provider says, bounded; what is beyond the bound is left out."""
    profile = {
        name: value
        for name, value in identity.profile.items()
        if name not in _OF_THE_PROTOCOL and value is not None
    }
    try:
        if len(json.dumps(profile)) > _MAX_PROFILE_CHARS:
            profile = {}
    except (TypeError, ValueError):
        profile = {}
    return Words(
        label=identity.label[:_MAX_TEXT_CHARS],
        email=_text(identity.email),
        email_verified=identity.email_verified,
        name=_text(identity.name),
        picture=_text(identity.picture),
        locale=_text(identity.locale),
        profile=profile,
    )


def changed_members(before: Words, now: Words) -> tuple[str, ...]:
    """Return the names of what differs; of the provider's own members only that they do."""
    names = ("email", "email_verified", "name", "picture", "locale", "profile")
    return tuple(name for name in names if getattr(before, name) != getattr(now, name))


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT_CHARS:
        return None
    return value if value.isprintable() else None
