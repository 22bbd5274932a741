"""What of a registration a client that registers itself may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata import (
    DEVICE_CODE,
    ClientMetadata,
    ClientType,
    derived_origins,
    keeps_to,
)
from limen.protocol.redirect_uri import is_loopback, is_private_use
from limen.tenants.policy import TenantPolicy

_NOT_ITS_OWN: Final = frozenset(
    {"allowed_origins", "assertion_audience", "profile", "require_pkce", "response_modes"}
)
"""Members of ours that operators decide; like everything else unknown here they are ignored."""
_FOR_ITSELF: Final = "client_credentials"
_ONLY_WITH_A_PERSON: Final = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})


def offered(
    members: Mapping[str, object],
    *,
    policy: TenantPolicy,
    vouched: bool,
    held: ClientMetadata | None = None,
) -> tuple[ClientType, dict[str, Any]]:
    """Return the client's type and the members to parse, RFC 7591's defaults filled in.

    What the tenant does not offer is left out, and the answer says what was registered
    (RFC 7591 section 2: the server may replace what was asked for).

    Args:
        members: As sent, a software statement's claims laid over them.
        policy: The tenant's.
        vouched: Whether somebody stands for it; otherwise it gets no grant that gives anything
            before a person has agreed.
        held: What it is so far, if it is known: what operators decided of that stays.

    Raises:
        InvalidInput: ``invalid_client_metadata``: nothing of what it asked for is offered.
    """
    registration = policy.registration
    kept = {name: value for name, value in members.items() if name not in _NOT_ITS_OWN}
    grants: set[str] = set(registration.grant_types)
    if not vouched:
        grants &= _ONLY_WITH_A_PERSON
    grant_types = _of(members, "grant_types", offer=grants, default=["authorization_code"])
    kept["grant_types"] = grant_types
    with_code = isinstance(grant_types, list) and "authorization_code" in grant_types
    kept["response_types"] = (
        _of(members, "response_types", offer={"code"}, default=None) if with_code else None
    )
    kept["scope"] = _scope(members, offer=registration.scopes)
    if isinstance(grant_types, list) and _FOR_ITSELF in grant_types:
        kept["authorization_details_types"] = _detail_types(members, held=held)
    kept |= _decided(policy, held)
    if not kept.get("token_endpoint_auth_method") and "fapi2" not in str(kept.get("profile")):
        kept["token_endpoint_auth_method"] = "client_secret_basic"  # noqa: S105 -- RFC 7591's default
    return _type_of(kept), kept


def _decided(policy: TenantPolicy, held: ClientMetadata | None) -> dict[str, Any]:
    """Return the members that are not a client's to say: the tenant's word, or an operator's.

    Who replaces a registration does not leave a profile by it (N191).
    """
    demanded, pkce = policy.profile, policy.registration.require_pkce
    if held is None:
        return {"profile": demanded} if demanded else {"require_pkce": pkce}
    said = {name: value for name in _NOT_ITS_OWN if (value := getattr(held, name)) is not None}
    if held.allowed_origins == derived_origins(held.redirect_uris):
        del said["allowed_origins"]  # they follow the redirect URIs
    if not keeps_to(held.profile, demanded=demanded):
        kept = {"allowed_origins"} & said.keys()  # the rest is the profile's to say
        return {"profile": demanded, **{name: said[name] for name in kept}}
    return {**said, "require_pkce": held.require_pkce or pkce}


def _of(
    members: Mapping[str, object], name: str, *, offer: set[str], default: list[str] | None
) -> object:
    """Keep of a list what is offered; what is no list is for the parser to refuse."""
    asked = members.get(name)
    if asked is None:
        return default
    if not isinstance(asked, list):
        return asked
    kept = [one for one in asked if isinstance(one, str) and one in offer]
    if not kept and asked:
        raise InvalidInput(
            "invalid_client_metadata",
            f"{name}: none of these is offered to clients that register themselves.",
            field=name,
        )
    return kept


def _detail_types(members: Mapping[str, object], *, held: ClientMetadata | None) -> object:
    """Keep what an operator gave: for details in a client's own token nobody is asked.

    People see them and agree, each time; what a client may ask for without one is the tenant's to
    say, as its scope is.
    """
    asked = members.get("authorization_details_types")
    if not isinstance(asked, list):
        return asked  # absent, or for the parser to refuse
    known: tuple[str, ...] = ()
    if held is not None and _FOR_ITSELF in held.grant_types:
        known = held.authorization_details_types
    return [one for one in asked if one in known]


def _scope(members: Mapping[str, object], *, offer: tuple[str, ...]) -> object:
    asked = members.get("scope")
    if asked is None or asked == "":
        return " ".join(offer)
    if not isinstance(asked, str):
        return asked
    kept = [scope for scope in asked.split(" ") if scope in offer]
    if not kept:
        raise InvalidInput(
            "invalid_client_metadata",
            "scope: none of these is offered to clients that register themselves.",
            field="scope",
        )
    return " ".join(kept)


def _type_of(members: Mapping[str, Any]) -> ClientType:
    """Say where it runs; never ``machine``, whose word opens other clients' tokens.

    ``application_type`` decides. A public client that names none is an installed app if only
    such an app can be answered where it wants to be.
    """
    if members.get("application_type") not in (None, "", "web", "native"):
        raise InvalidInput(
            "invalid_client_metadata",
            "application_type: must be one of web, native.",
            field="application_type",
        )
    if members.get("application_type") == "native":
        return "native"
    if members.get("token_endpoint_auth_method") != "none":
        return "web"
    if members.get("application_type") == "web":
        return "spa"
    return "native" if _only_installed(members) else "spa"


def _only_installed(members: Mapping[str, Any]) -> bool:
    uris = members.get("redirect_uris")
    texts = [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else []
    grants = members["grant_types"]
    return (isinstance(grants, list) and DEVICE_CODE in grants) or any(
        is_loopback(uri) or is_private_use(uri) for uri in texts
    )
