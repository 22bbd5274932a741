"""What a profile demands of a registration: it switches on what it requires, refuses the rest.

FAPI 2.0 Security Profile, FAPI 2.0 Message Signing, and MCP's authorization.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from limen.protocol.client_metadata.model import ClientMetadata
from limen.protocol.client_metadata.names import DEVICE_CODE, KEY_METHODS, SIGNED_MODES, Profile
from limen.protocol.metadata_members import Members

_OUR_SIGNATURES: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
)
_CLIENT_SIGNATURES: Final = (
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "backchannel_authentication_request_signing_alg",
)
_FAPI: Final[Mapping[str, object]] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "id_token_signed_response_alg": "ES256",
    "authorization_signed_response_alg": "ES256",
    "introspection_signed_response_alg": "ES256",
    "require_pushed_authorization_requests": True,
    "require_pkce": True,
    "assertion_audience": "issuer",
}
DEFAULTS: Final[Mapping[Profile, Mapping[str, object]]] = MappingProxyType(
    {
        "": {},
        "fapi2": _FAPI,
        "fapi2_message_signing": {
            **_FAPI,
            "require_signed_request_object": True,
            "response_modes": SIGNED_MODES,
        },
        "mcp": {"require_pkce": True, "assertion_audience": "issuer"},
    }
)
"""What a client of the profile is where it says nothing."""

_WEAKEST_FIRST: Final[tuple[Profile, ...]] = ("", "mcp", "fapi2", "fapi2_message_signing")
_CHOSEN: Final = (
    "token_endpoint_auth_method",
    "id_token_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
)
"""What a profile that comes later leaves as it was chosen; RS256 is what says nothing."""


def keeps_to(profile: Profile, *, demanded: Profile) -> bool:
    """Say whether a profile is the one demanded, or a stricter one that holds all of it."""
    return _WEAKEST_FIRST.index(profile) >= _WEAKEST_FIRST.index(demanded)


def with_defaults(members: Mapping[str, object], *, profile: Profile) -> dict[str, Any]:
    """Fill in what the profile switches on; what was said stays, to be judged by ``check``."""
    decided = DEFAULTS[profile]
    said = {name: value for name, value in members.items() if value is not None}
    if "response_modes" in decided and said.get("response_modes") in ([], ()):
        said.pop("response_modes", None)  # no mode at all would be answered in the plain one
    filled = {**decided, **said}
    if "fapi2" in profile and not (
        filled.get("dpop_bound_access_tokens")
        or filled.get("tls_client_certificate_bound_access_tokens")
    ):
        method = str(filled["token_endpoint_auth_method"])
        by_certificate = method in {"tls_client_auth", "self_signed_tls_client_auth"}
        filled.setdefault(
            "tls_client_certificate_bound_access_tokens"
            if by_certificate
            else "dpop_bound_access_tokens",
            True,
        )
    return filled


def left_by(profile: object, members: Mapping[str, object]) -> dict[str, Any]:
    """Return what a profile that comes later leaves of a registration; it fills in the rest.

    What it only switches on goes, whatever was registered; what it can't choose for a client, how
    it authenticates say, stays, to be judged. Without a profile everything stays.

    Args:
        profile: The new one, as it was said; one that does not exist leaves everything.
        members: As registered so far.
    """
    decided = next((each for name, each in DEFAULTS.items() if name == profile), {})
    return {
        name: value
        for name, value in members.items()
        if (name not in decided and name not in _CHOSEN) or _is_as_good(name, value)
    }


def _is_as_good(name: str, value: Any) -> bool:
    if name == "response_modes":
        return set(value) <= set(SIGNED_MODES)
    return name in _CHOSEN and bool(value) and value != "RS256"


def under_profile(
    metadata: ClientMetadata, demanded: Profile
) -> tuple[ClientMetadata, list[tuple[str, str]]]:
    """Return a registration as a profile that its whole tenant keeps to binds it.

    What can be demanded of requests and is ours to do is switched on, whatever was registered;
    what only another registration could mend stays.

    Args:
        metadata: As registered, perhaps before the tenant chose.
        demanded: What the tenant chose.

    Returns:
        The registration in force, and what is still wrong with it, by member: a client with
        any is to be refused.
    """
    if keeps_to(metadata.profile, demanded=demanded):
        return metadata, []
    registered = {name: getattr(metadata, name) for name in {*_CHOSEN, *DEFAULTS[demanded]}}
    switched = with_defaults(left_by(demanded, registered), profile=demanded)
    grant_types = tuple(
        each for each in metadata.grant_types if each != DEVICE_CODE or "fapi2" not in demanded
    )
    bound = dataclasses.replace(metadata, **switched, grant_types=grant_types, profile=demanded)
    return bound, problems_under(bound, demanded)


def check_profile(read: Members, metadata: ClientMetadata) -> None:
    """Refuse what the client's profile does not allow.

    Raises:
        InvalidInput: ``invalid_client_metadata``, naming the member.
    """
    for check in _CHECKS[metadata.profile]:
        problem = check(metadata)
        if problem:
            field, text = problem
            raise read.invalid(field, f"under the profile {metadata.profile}, {text}")


def problems_under(metadata: ClientMetadata, profile: Profile) -> list[tuple[str, str]]:
    """Return what a profile would refuse of a registration, by member; nothing if it would do."""
    return [found for check in _CHECKS[profile] if (found := check(metadata)) is not None]


_Problem = tuple[str, str] | None
_Check = Callable[[ClientMetadata], _Problem]


def _strong_authentication(client: ClientMetadata) -> _Problem:
    """FAPI 2.0 SP 5.3.2.1: MTLS or ``private_key_jwt``."""
    if client.token_endpoint_auth_method in KEY_METHODS:
        return None
    return "token_endpoint_auth_method", f"it must be one of {', '.join(KEY_METHODS)}."


def _no_sealed_secret(client: ClientMetadata) -> _Problem:
    if not client.seals_secret:
        return None
    return "token_endpoint_auth_method", "client_secret_jwt is not for it."


def _sender_constrained(client: ClientMetadata) -> _Problem:
    if client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens:
        return None
    return "dpop_bound_access_tokens", "tokens are bound to a key, by DPoP or a certificate."


def _pushed(client: ClientMetadata) -> _Problem:
    if client.require_pushed_authorization_requests or not _asks_for_codes(client):
        return None
    return "require_pushed_authorization_requests", "requests are pushed."


def _pkce(client: ClientMetadata) -> _Problem:
    if client.require_pkce or not _asks_for_codes(client):
        return None
    return "require_pkce", "PKCE is always needed."


def _issuer_audience(client: ClientMetadata) -> _Problem:
    if client.assertion_audience == "issuer":
        return None
    return "assertion_audience", "assertions are for the issuer alone."


def _no_device_code(client: ClientMetadata) -> _Problem:
    """FAPI 2.0 SP 5.3.2.2: codes, pushed and bound; who approves a device sees no client at all."""
    if DEVICE_CODE not in client.grant_types:
        return None
    return "grant_types", "device codes are not used."


def _no_rs256(client: ClientMetadata) -> _Problem:
    """FAPI 2.0 SP 5.4.1: PS256, ES256 or EdDSA."""
    for field in (*_OUR_SIGNATURES, *_CLIENT_SIGNATURES):
        if getattr(client, field) == "RS256" and not _is_never_signed(client, field):
            return field, "RS256 is not used."
    return None


def _asks_for_codes(client: ClientMetadata) -> bool:
    return "authorization_code" in client.grant_types


def _is_never_signed(client: ClientMetadata, field: str) -> bool:
    """Say whether nothing that a client may ask for is signed by a member's algorithm."""
    if field == "authorization_signed_response_alg":
        return not _asks_for_codes(client)
    for_itself = set(client.grant_types) <= {"client_credentials"}
    return field == "id_token_signed_response_alg" and for_itself


def _https_redirects(client: ClientMetadata) -> _Problem:
    """FAPI 2.0 SP 5.3.2.2: no plain http but loopback for native clients."""
    native = client.application_type == "native"
    if all(uri.startswith("https://") or native for uri in client.redirect_uris):
        return None
    return "redirect_uris", "https is needed."


def _signed_requests(client: ClientMetadata) -> _Problem:
    if client.require_signed_request_object:
        return None
    return "require_signed_request_object", "request objects are signed."


def _signed_answers(client: ClientMetadata) -> _Problem:
    """FAPI 2.0 MS 5.4: answers are JARM's."""
    if client.response_modes and set(client.response_modes) <= set(SIGNED_MODES):
        return None
    return "response_modes", "answers are signed."


def _keys_registered(client: ClientMetadata) -> _Problem:
    if client.jwks is not None or client.jwks_uri is not None:
        return None
    return "jwks", "request objects need keys: register jwks or jwks_uri."


_SECURITY: Final[tuple[_Check, ...]] = (
    _strong_authentication,
    _sender_constrained,
    _pushed,
    _pkce,
    _issuer_audience,
    _no_device_code,
    _no_rs256,
    _https_redirects,
)
_CHECKS: Final[Mapping[Profile, tuple[_Check, ...]]] = MappingProxyType(
    {
        "": (),
        "fapi2": _SECURITY,
        "fapi2_message_signing": (*_SECURITY, _signed_requests, _signed_answers, _keys_registered),
        "mcp": (_pkce, _issuer_audience, _no_sealed_secret),
    }
)
