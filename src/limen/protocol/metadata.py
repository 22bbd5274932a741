"""Discovery: one document under two names, built from what is really on offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.protocol.claims import STANDARD_CLAIMS
from limen.protocol.client_metadata.names import DELIVERY_MODES, SUBJECT_TYPES
from limen.protocol.jwe import CONTENT_ENCRYPTION, KEY_MANAGEMENT
from limen.protocol.jwt_bearer import ID_JAG_PROFILE
from limen.protocol.request_encryption import REQUEST_KEY_MANAGEMENT
from limen.protocol.request_object import REQUEST_ALGS
from limen.protocol.sender.proof import PROOF_ALGS
from limen.protocol.token_exchange import ID_JAG

PATHS: Final = {
    "authorization_endpoint": "/oauth2/authorize",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "authorization_challenge_endpoint": "/oauth2/authorization_challenge",
    "device_authorization_endpoint": "/oauth2/device_authorization",
    "backchannel_authentication_endpoint": "/oauth2/bc-authorize",
    "token_endpoint": "/oauth2/token",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "userinfo_endpoint": "/oauth2/userinfo",
    "jwks_uri": "/oauth2/jwks",
    "end_session_endpoint": "/oauth2/logout",
}

LOGOUT_MEMBERS: Final = {
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
}

BACKCHANNEL_ALGS: Final = "backchannel_authentication_request_signing_alg_values_supported"
BACKCHANNEL_MEMBERS: Final = {
    "backchannel_token_delivery_modes_supported": list(DELIVERY_MODES),
    "backchannel_user_code_parameter_supported": False,
}
"""CIBA Core section 4."""

EXCHANGE_MEMBERS: Final = {
    "identity_chaining_requested_token_types_supported": [ID_JAG],
    "authorization_grant_profiles_supported": [ID_JAG_PROFILE],
}
"""That identity assertions are issued for others, and taken from them (ID-JAG)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What the server accepts; each list comes from the code that accepts it.

    Args:
        auth_methods: At the token endpoint and at revocation, ``none`` among them.
        assertion_algs: Of client assertions.
        signing_algs: Of ID tokens, for some client each.
        scopes: Those of OpenID Connect and those of the tenant.
        acr_values: What ``acr`` can be in our answers.
        ui_locales: The languages that pages are in.
        registration: Whether clients may register themselves.
        client_documents: Whether the address of a metadata document may be a client id.
        require_pushed: Whether every authorization request is pushed.
        require_signed: Whether every authorization request is a signed object.
        detail_types: Of ``authorization_details``, those that some resource declares.
        mtls: Whether tokens can be bound to a certificate.
        mtls_alias: Where the tenant's endpoints answer with certificates, if elsewhere.
        refused_algs: What nobody signs with here although others do: a profile forbids it.
        closed: Members of ``PATHS`` whose endpoint refuses every client here.
    """

    grant_types: tuple[str, ...]
    auth_methods: tuple[str, ...]
    assertion_algs: tuple[str, ...]
    response_modes: tuple[str, ...]
    prompts: tuple[str, ...]
    signing_algs: tuple[str, ...]
    scopes: tuple[str, ...]
    acr_values: tuple[str, ...] = ()
    ui_locales: tuple[str, ...] = ()
    registration: bool = False
    client_documents: bool = False
    require_pushed: bool = False
    require_signed: bool = False
    detail_types: tuple[str, ...] = ()
    mtls: bool = False
    mtls_alias: str | None = None
    refused_algs: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    @property
    def paths(self) -> dict[str, str]:
        """Return the endpoints that serve some client, by member."""
        return {name: path for name, path in PATHS.items() if name not in self.closed}

    def kept(self, algorithms: Iterable[str]) -> list[str]:
        """Return the algorithms that are not refused."""
        return [alg for alg in algorithms if alg not in self.refused_algs]


def discovery_document(issuer: str, *, offers: Offers) -> dict[str, Any]:
    """Write the metadata of RFC 8414 and OpenID Connect Discovery 1.0.

    What is off is said to be off where the specification's default is "on"
    (``request_uri_parameter_supported``).

    Args:
        issuer: Byte for byte what ``iss`` says everywhere else.
        offers: Of this tenant.
    """
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in offers.paths.items()},
        **({"registration_endpoint": f"{issuer}/oauth2/register"} if offers.registration else {}),
        "client_id_metadata_document_supported": offers.client_documents,
        "response_types_supported": ["code"],
        "response_modes_supported": list(offers.response_modes),
        "grant_types_supported": list(offers.grant_types),
        "code_challenge_methods_supported": ["S256"],
        **client_authentication_members(
            methods=offers.auth_methods,
            algs=offers.kept(offers.assertion_algs),
            certificates=offers.mtls,
        ),
        **mtls_endpoint_aliases(offers.mtls_alias, paths=offers.paths),
        "dpop_signing_alg_values_supported": offers.kept(PROOF_ALGS),
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(offers.scopes),
        "subject_types_supported": list(SUBJECT_TYPES),
        **answer_members(offers.kept(offers.signing_algs)),
        **LOGOUT_MEMBERS,
        **BACKCHANNEL_MEMBERS,
        BACKCHANNEL_ALGS: offers.kept(REQUEST_ALGS),
        **EXCHANGE_MEMBERS,
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "at_hash",
            "sid",
            *STANDARD_CLAIMS,
        ],
        "prompt_values_supported": list(offers.prompts),
        "ui_locales_supported": list(offers.ui_locales),
        **authorization_members(offers),
        **({"acr_values_supported": list(offers.acr_values)} if offers.acr_values else {}),
    }


def resource_document(
    identifier: str,
    *,
    issuer: str,
    scopes: Iterable[str] = (),
    name: str = "",
    certificates: bool = False,
    bound: bool = False,
) -> dict[str, Any]:
    """Write the metadata of a protected resource (RFC 9728 section 2); empty lists are left out.

    Args:
        identifier: The resource's, as its metadata's address was made from it.
        issuer: Whose tokens it takes.
        scopes: Those worth asking for.
        name: For people.
        certificates: Whether it takes tokens that are bound to a certificate.
        bound: Whether it takes no others than tokens that are bound to some key.
    """
    return {
        "resource": identifier,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGS),
        **({"tls_client_certificate_bound_access_tokens": True} if certificates else {}),
        **({"dpop_bound_access_tokens_required": not certificates} if bound else {}),
        **({"scopes_supported": known} if (known := list(scopes)) else {}),
        **({"resource_name": name} if name else {}),
    }


def authorization_members(offers: Offers) -> dict[str, Any]:
    """Say what an authorization request may be (RFC 9101, 9126, 9396, OIDC Discovery §3)."""
    return {
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": offers.kept(REQUEST_ALGS),
        "request_object_encryption_alg_values_supported": list(REQUEST_KEY_MANAGEMENT),
        "request_object_encryption_enc_values_supported": list(CONTENT_ENCRYPTION),
        "require_signed_request_object": offers.require_signed,
        "require_pushed_authorization_requests": offers.require_pushed,
        "display_values_supported": ["page", "popup", "touch", "wap"],
        **(
            {"authorization_details_types_supported": types}
            if (types := list(offers.detail_types))
            else {}
        ),
    }


def answer_members(signing_algs: Sequence[str]) -> dict[str, Any]:
    """Say how answers may be signed and encrypted (OIDC Discovery §3, RFC 9701 §7, JARM §4)."""
    members: dict[str, Any] = {}
    for answer in ("id_token", "userinfo", "introspection", "authorization"):
        members[f"{answer}_signing_alg_values_supported"] = list(signing_algs)
        members[f"{answer}_encryption_alg_values_supported"] = list(KEY_MANAGEMENT)
        members[f"{answer}_encryption_enc_values_supported"] = list(CONTENT_ENCRYPTION)
    return members


def client_authentication_members(
    *, methods: Sequence[str], algs: Sequence[str], certificates: bool
) -> dict[str, Any]:
    """Say how clients authenticate, at each endpoint that asks them to (RFC 8414, RFC 8705).

    Args:
        methods: All of them; introspection is for those that prove something.
        algs: Of assertions.
        certificates: Whether tokens can be bound to a client's certificate.
    """
    members: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": certificates}
    for endpoint in ("token", "revocation", "introspection"):
        members[f"{endpoint}_endpoint_auth_methods_supported"] = [
            method for method in methods if method != "none" or endpoint != "introspection"
        ]
        members[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(algs)
    return members


def mtls_endpoint_aliases(alias: str | None, *, paths: Mapping[str, str]) -> dict[str, Any]:
    """Say where the endpoints that clients call answer with certificates (RFC 8705 section 5)."""
    if alias is None:
        return {}
    called = {name: path for name, path in paths.items() if name not in _FOR_BROWSERS}
    return {"mtls_endpoint_aliases": {name: alias + path for name, path in called.items()}}


_FOR_BROWSERS: Final = frozenset({"authorization_endpoint", "end_session_endpoint", "jwks_uri"})
"""No certificate is asked for there: the first two would show a person a dialogue."""
