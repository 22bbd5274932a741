"""What a client registers: RFC 7591, OpenID Connect Registration and their relatives.

- ``names``: the words, each list the one that discovery advertises. ``model``: the value.
- ``parse``: a registration, read as one whole, over ``uris``, ``keys`` and ``by_type``.
- ``profiles``: what ``fapi2``, ``fapi2_message_signing`` and ``mcp`` switch on and refuse.
"""

from limen.protocol.client_metadata.model import ClientMetadata
from limen.protocol.client_metadata.names import (
    AUTH_METHODS,
    CIBA,
    CLIENT_ALGS,
    DELIVERY_MODES,
    DEVICE_CODE,
    FAPI_PROFILES,
    JWT_BEARER,
    KEY_METHODS,
    PROFILES,
    RESPONSE_MODES,
    SIGNED_MODES,
    SIGNING_ALGS,
    SUBJECT_TYPES,
    TOKEN_EXCHANGE,
    AssertionAudience,
    AuthMethod,
    ClientAlg,
    ClientType,
    GrantType,
    Profile,
    ResourceAlg,
    ResponseMode,
    SigningAlg,
)
from limen.protocol.client_metadata.parse import parse_client_metadata
from limen.protocol.client_metadata.profiles import (
    keeps_to,
    left_by,
    problems_under,
    under_profile,
)
from limen.protocol.client_metadata.uris import derived_origins

__all__ = [
    "AUTH_METHODS",
    "CIBA",
    "CLIENT_ALGS",
    "DELIVERY_MODES",
    "DEVICE_CODE",
    "FAPI_PROFILES",
    "JWT_BEARER",
    "KEY_METHODS",
    "PROFILES",
    "RESPONSE_MODES",
    "SIGNED_MODES",
    "SIGNING_ALGS",
    "SUBJECT_TYPES",
    "TOKEN_EXCHANGE",
    "AssertionAudience",
    "AuthMethod",
    "ClientAlg",
    "ClientMetadata",
    "ClientType",
    "GrantType",
    "Profile",
    "ResourceAlg",
    "ResponseMode",
    "SigningAlg",
    "derived_origins",
    "keeps_to",
    "left_by",
    "parse_client_metadata",
    "problems_under",
    "under_profile",
]
