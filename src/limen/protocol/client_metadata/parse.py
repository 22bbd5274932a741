"""Read a registration as one whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata import keys, uris
from limen.protocol.client_metadata.by_type import RULES, Rules
from limen.protocol.client_metadata.model import ClientMetadata
from limen.protocol.client_metadata.names import (
    ASSERTION_AUDIENCES,
    CIBA,
    DELIVERY_MODES,
    DEVICE_CODE,
    PROFILES,
    RESPONSE_MODES,
    SIGNING_ALGS,
    SUBJECT_TYPES,
    AuthMethod,
    ClientType,
    DeliveryMode,
    GrantType,
)
from limen.protocol.client_metadata.profiles import check_profile, with_defaults
from limen.protocol.metadata_members import Members
from limen.protocol.redirect_uri import NO_MORE, PrivateUse, is_private_use
from limen.protocol.request_encryption import REQUEST_KEY_MANAGEMENT
from limen.protocol.scopes import is_scope_token

MAX_SCOPES: Final = 200
_REFRESHED: Final[frozenset[GrantType]] = frozenset({"authorization_code", DEVICE_CODE, CIBA})
_WITH_KEYS: Final[frozenset[AuthMethod]] = frozenset(
    {"private_key_jwt", "self_signed_tls_client_auth"}
)


def parse_client_metadata(
    members: Mapping[str, object],
    *,
    client_type: ClientType,
    private_use: PrivateUse = NO_MORE,
) -> ClientMetadata:
    """Read and validate a registration; unknown members are ignored and not kept (N190).

    Args:
        members: RFC 7591 members and Limen's own, as decoded from JSON.
        client_type: Where the client runs; says what it may be.
        private_use: Which private-use schemes the tenant takes.

    Raises:
        InvalidInput: ``invalid_redirect_uri`` or ``invalid_client_metadata``, the first problem
            found, naming the member.
    """
    profile = Members(members).choice("profile", of=PROFILES, default="")
    read = Members(with_defaults(members, profile=profile))
    rules = RULES[client_type]
    grants = _grants(read, rules=rules)
    metadata = ClientMetadata(
        client_name=read.text("client_name", longest=100) or "",
        client_type=client_type,
        grant_types=grants,
        response_types=_response_types(read, grants=grants),
        response_modes=read.choices("response_modes", of=RESPONSE_MODES, default=RESPONSE_MODES),
        scope=_scope(read),
        contacts=read.texts("contacts", most=20),
        software_id=read.text("software_id", longest=256),
        software_version=read.text("software_version", longest=256),
        default_max_age=read.whole_number("default_max_age", most=999_999_999),
        require_auth_time=read.flag("require_auth_time", default=False),
        default_acr_values=read.texts("default_acr_values", most=20),
        authorization_details_types=read.texts("authorization_details_types", most=50),
        require_pkce=read.flag("require_pkce", default=True),
        scope_claims_in_id_token=read.flag("scope_claims_in_id_token", default=False),
        assertion_audience=read.optional_choice("assertion_audience", of=ASSERTION_AUDIENCES),
        profile=profile,
        **_addresses(read, grants=grants, client_type=client_type, private_use=private_use),
        **_authentication(read, rules=rules),
        **_requests(read),
        **_answers(read),
        **_backchannel(read, grants=grants),
    )
    _check_leave(metadata, private_use=private_use)
    _check_sector_is_its_own(read, metadata)
    check_profile(read, metadata)
    return metadata


def _grants(read: Members, *, rules: Rules) -> tuple[GrantType, ...]:
    grants = read.choices("grant_types", of=rules.grants, default=rules.default_grants)
    if "refresh_token" in grants and not _REFRESHED & set(grants):
        raise read.invalid("grant_types", "refresh_token needs authorization_code beside it.")
    if not grants:
        raise read.invalid("grant_types", "at least one is needed.")
    return grants


def _response_types(read: Members, *, grants: tuple[GrantType, ...]) -> tuple[str, ...]:
    """Keep both lists consistent (RFC 7591 section 2.1)."""
    expected = ("code",) if "authorization_code" in grants else ()
    given = read.choices("response_types", of=("code",), default=expected)
    if given != expected:
        raise read.invalid("response_types", "does not fit the grant types.")
    return given


def _addresses(
    read: Members,
    *,
    grants: tuple[GrantType, ...],
    client_type: ClientType,
    private_use: PrivateUse,
) -> dict[str, Any]:
    redirects = uris.read_redirect_uris(
        read, grants=grants, client_type=client_type, private_use=private_use
    )
    subject_type = read.choice("subject_type", of=SUBJECT_TYPES, default="public")
    sector_uri = uris.read_web_uri(read, "sector_identifier_uri")
    keys_at = read.text("jwks_uri") if CIBA in grants else None
    uris.check_sector(
        read,
        subject_type=subject_type,
        sector_uri=sector_uri,
        addresses=(*redirects, keys_at) if keys_at else redirects,
    )
    return {
        "redirect_uris": redirects,
        "subject_type": subject_type,
        "sector_identifier_uri": sector_uri,
        "post_logout_redirect_uris": uris.read_post_logout_uris(
            read, client_type=client_type, private_use=private_use
        ),
        "allowed_origins": uris.read_origins(read, redirects=redirects),
        "request_uris": uris.read_request_uris(read),
        "frontchannel_logout_uri": uris.read_front_channel_uri(read, redirects=redirects),
        "frontchannel_logout_session_required": read.flag(
            "frontchannel_logout_session_required", default=False
        ),
        "backchannel_logout_session_required": read.flag(
            "backchannel_logout_session_required", default=False
        ),
        **{field: uris.read_web_uri(read, field) for field in _WEB_URIS},
    }


_WEB_URIS: Final = (
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "backchannel_logout_uri",
)


def _authentication(read: Members, *, rules: Rules) -> dict[str, Any]:
    method = read.choice(
        "token_endpoint_auth_method", of=rules.auth_methods, default=rules.auth_methods[0]
    )
    jwks_uri = uris.read_web_uri(read, "jwks_uri")
    jwks = keys.read_jwks(read, jwks_uri=jwks_uri)
    if method in _WITH_KEYS and jwks is None and jwks_uri is None:
        raise read.invalid("jwks", f"{method} needs keys: register jwks or jwks_uri.")
    return {
        "token_endpoint_auth_method": method,
        "token_endpoint_auth_signing_alg": _assertion_alg(read, method=method),
        "jwks": jwks,
        "jwks_uri": jwks_uri,
        **keys.read_certificate_names(read, needed=method == "tls_client_auth"),
        "tls_client_certificate_bound_access_tokens": read.flag(
            "tls_client_certificate_bound_access_tokens", default=False
        ),
        "dpop_bound_access_tokens": read.flag("dpop_bound_access_tokens", default=False),
    }


def _assertion_alg(read: Members, *, method: AuthMethod) -> str | None:
    """Read what assertions are signed with; HS256 goes without saying for a shared secret."""
    field = "token_endpoint_auth_signing_alg"
    if method == "private_key_jwt":
        return keys.read_client_alg(read, field)
    if method == "client_secret_jwt":
        read.optional_choice(field, of=("HS256",))
    return None


def _requests(read: Members) -> dict[str, Any]:
    alg, enc = keys.read_encryption(read, "request_object_encryption", has_keys=True)
    if alg not in {None, *REQUEST_KEY_MANAGEMENT}:
        raise read.invalid(
            "request_object_encryption_alg", f"one of {', '.join(REQUEST_KEY_MANAGEMENT)}."
        )
    return {
        "request_object_signing_alg": keys.read_client_alg(read, "request_object_signing_alg"),
        "request_object_encryption_alg": alg,
        "request_object_encryption_enc": enc,
        "require_signed_request_object": read.flag("require_signed_request_object", default=False),
        "require_pushed_authorization_requests": read.flag(
            "require_pushed_authorization_requests", default=False
        ),
    }


_ENCRYPTED: Final = ("id_token", "userinfo", "authorization", "introspection")


def _answers(read: Members) -> dict[str, Any]:
    has_keys = bool(read.document("jwks") or read.text("jwks_uri"))
    made: dict[str, Any] = {
        f"{kind}_signed_response_alg": read.choice(
            f"{kind}_signed_response_alg", of=SIGNING_ALGS, default="RS256"
        )
        for kind in ("id_token", "authorization", "introspection")
    }
    made["userinfo_signed_response_alg"] = read.optional_choice(
        "userinfo_signed_response_alg", of=SIGNING_ALGS
    )
    for kind in _ENCRYPTED:
        alg, enc = keys.read_encryption(read, f"{kind}_encrypted_response", has_keys=has_keys)
        made |= {f"{kind}_encrypted_response_alg": alg, f"{kind}_encrypted_response_enc": enc}
    return made


def _backchannel(read: Members, *, grants: tuple[GrantType, ...]) -> dict[str, Any]:
    """Read CIBA's members (section 4); push is not offered."""
    if CIBA not in grants:
        return {}
    mode: DeliveryMode = read.choice(
        "backchannel_token_delivery_mode", of=DELIVERY_MODES, default="poll"
    )
    endpoint = uris.read_web_uri(read, "backchannel_client_notification_endpoint")
    if mode == "ping" and endpoint is None:
        raise read.invalid("backchannel_client_notification_endpoint", "needed for ping.")
    return {
        "backchannel_token_delivery_mode": mode,
        "backchannel_client_notification_endpoint": endpoint,
        "backchannel_authentication_request_signing_alg": keys.read_client_alg(
            read, "backchannel_authentication_request_signing_alg"
        ),
        "backchannel_user_code_parameter": read.flag(
            "backchannel_user_code_parameter", default=False
        ),
    }


def _scope(read: Members) -> tuple[str, ...]:
    words = tuple(dict.fromkeys((read.text("scope", longest=8192) or "").split(" ")))
    scope = tuple(word for word in words if word)
    if len(scope) > MAX_SCOPES or not all(map(is_scope_token, scope)):
        raise read.invalid("scope", "scopes are separated by single spaces, RFC 6749 section 3.3.")
    return scope


def _check_leave(metadata: ClientMetadata, *, private_use: PrivateUse) -> None:
    """Refuse private-use schemes under ``mcp``: any app on the machine may claim one."""
    if metadata.profile != "mcp" or private_use.under_mcp:
        return
    claimed = {uri.partition(":")[0] for uri in metadata.redirect_uris if is_private_use(uri)}
    if claimed - private_use.schemes:
        raise InvalidInput(
            "invalid_redirect_uri",
            "redirect_uris: under the profile mcp, https or http on loopback.",
            field="redirect_uris",
        )


def _check_sector_is_its_own(read: Members, client: ClientMetadata) -> None:
    """Check that a pairwise CIBA client proves keys published under its sector (CIBA section 4).

    Nobody is redirected to it, so nothing else shows that the host is its own.
    """
    if client.subject_type != "pairwise" or CIBA not in client.grant_types:
        return
    if client.jwks_uri is None:
        raise read.invalid("jwks_uri", "needed for CIBA with pairwise subjects.")
    signs = client.is_fapi or client.backchannel_authentication_request_signing_alg is not None
    if client.token_endpoint_auth_method not in _WITH_KEYS and not signs:
        raise read.invalid(
            "token_endpoint_auth_method",
            "CIBA with pairwise subjects takes a key of jwks_uri, here or to sign requests.",
        )
