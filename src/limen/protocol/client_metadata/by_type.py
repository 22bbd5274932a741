"""What each type of client may be, and what it is when it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from limen.protocol.client_metadata.names import (
    AUTH_METHODS,
    CIBA,
    DEVICE_CODE,
    JWT_BEARER,
    TOKEN_EXCHANGE,
    AuthMethod,
    ClientType,
    GrantType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a type of client may be.

    Args:
        auth_methods: The first is what it gets when it names none.
        grants: All it may ask for.
        default_grants: What it gets when it names none.
    """

    auth_methods: tuple[AuthMethod, ...]
    grants: tuple[GrantType, ...]
    default_grants: tuple[GrantType, ...]


_CONFIDENTIAL: Final = tuple(method for method in AUTH_METHODS if method != "none")
_CODE: Final[tuple[GrantType, ...]] = ("authorization_code", "refresh_token")
_ON_BEHALF: Final[tuple[GrantType, ...]] = (TOKEN_EXCHANGE, JWT_BEARER)

RULES: Final[Mapping[ClientType, Rules]] = {
    "web": Rules(
        auth_methods=_CONFIDENTIAL,
        grants=(*_CODE, "client_credentials", DEVICE_CODE, CIBA, *_ON_BEHALF),
        default_grants=_CODE,
    ),
    "spa": Rules(auth_methods=("none",), grants=_CODE, default_grants=_CODE),
    # An installed app holds a secret only if each installation registers for itself
    # (RFC 8252 section 8.4); none is what it is otherwise.
    "native": Rules(
        auth_methods=("none", *_CONFIDENTIAL),
        grants=(*_CODE, DEVICE_CODE, TOKEN_EXCHANGE),
        default_grants=_CODE,
    ),
    "machine": Rules(
        auth_methods=_CONFIDENTIAL,
        grants=("client_credentials", "refresh_token", DEVICE_CODE, CIBA, *_ON_BEHALF),
        default_grants=("client_credentials",),
    ),
}
