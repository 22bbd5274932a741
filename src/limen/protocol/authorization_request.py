"""The authorization request, read in two steps: to whom an answer may go, then the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.authorization_details import Details, parse_details
from limen.protocol.claims_request import ClaimsRequest, parse_claims_request
from limen.protocol.client_metadata import RESPONSE_MODES, ResponseMode
from limen.protocol.params import Params
from limen.protocol.pkce import parse_challenge
from limen.protocol.prompt import Prompt, parse_max_age, parse_prompt
from limen.protocol.resource_indicator import read_resource
from limen.protocol.scopes import OPENID, parse_scope
from limen.protocol.sender.proof import is_thumbprint

MAX_CLIENT_ID_CHARACTERS: Final = 2048
MAX_ECHOED_CHARACTERS: Final = 2048
MAX_ACR_VALUES: Final = 20
MAX_LOCALES: Final = 10
MAX_HINT_CHARACTERS: Final = 320
MAY_REPEAT: Final = ("resource",)

Display = Literal["page", "popup", "touch", "wap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom an authorization request says it is for; nothing of it is believed yet.

    Attributes:
        redirect_uri: As sent; ``None`` when absent.
        state: To be echoed with an error; ``None`` when absent or repeated.
        response_mode: As ``state``: how an error would be sent, if it is a known mode.
    """

    client_id: str
    redirect_uri: str | None
    state: str | None
    response_mode: ResponseMode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A well-formed authorization request; whether the client may make it is not said here.

    Attributes:
        redirect_uri: As sent; ``None`` when absent, which the token request must repeat.
        scope: ``None`` when the request named none.
        max_age: Seconds.
        resource: In canonical form.
        id_token_hint: Not verified.
        dpop_jkt: Thumbprint of the key that the code will be bound to (RFC 9449 section 10).
        requested_claims: The ``claims`` parameter; see ``claims_request``.
        authorization_details: Well-formed; what their types may hold is not said here.
    """

    client_id: str
    redirect_uri: str | None = None
    response_type: str = "code"
    response_mode: ResponseMode = "query"
    scope: tuple[str, ...] | None = None
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    dpop_jkt: str | None = None
    prompt: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    resource: str | None = None
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    id_token_hint: Secret[str] | None = None
    ui_locales: tuple[str, ...] = ()
    display: Display = "page"
    requested_claims: ClaimsRequest = dataclasses.field(default_factory=dict)
    authorization_details: Details = ()

    @property
    def openid(self) -> bool:
        """Whether this is an OpenID Connect request."""
        return self.scope is not None and OPENID in self.scope

    def to_json(self) -> dict[str, Any]:
        """Return what an interaction row keeps: all but ``id_token_hint``, resolved before."""
        members = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "id_token_hint"
        }
        members["prompt"] = sorted(self.prompt)
        for name in _TUPLES:
            members[name] = None if members[name] is None else list(members[name])
        return members

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> AuthorizationRequest:
        """Return what ``to_json`` kept; only for rows that we wrote."""
        kept = dict(members)
        kept["prompt"] = frozenset(kept["prompt"])
        for name in _TUPLES:
            kept[name] = None if kept[name] is None else tuple(kept[name])
        return cls(**kept)


_TUPLES: Final = ("scope", "acr_values", "ui_locales", "authorization_details")


def parse_client_id(params: Params) -> str:
    """Read who asks; it stands outside a request object and beside a handle.

    Raises:
        OAuthRefusal: ``invalid_request``, to be shown as a page.
    """
    client_id = params.required("client_id")
    if len(client_id) > MAX_CLIENT_ID_CHARACTERS:
        raise OAuthRefusal("invalid_request", "client_id is too long.", field="client_id")
    return client_id


def parse_addressee(params: Params) -> Addressee:
    """Read who asks and where the answer would go, before anything else is looked at.

    Any other fault must wait until both are verified, or an error answer becomes an open
    redirector (N014).

    Raises:
        OAuthRefusal: ``invalid_request``, to be shown as a page.
    """
    client_id = parse_client_id(params)
    redirect_uri = params.one("redirect_uri")
    if redirect_uri is None and OPENID in (params.first("scope") or "").split():
        # OIDC Core section 3.1.2.1 requires it; the OAuth default is not for identity.
        raise OAuthRefusal("invalid_request", "redirect_uri is missing.", field="redirect_uri")
    mode = params.first("response_mode")
    return Addressee(
        client_id=client_id,
        redirect_uri=redirect_uri,
        state=params.first("state"),
        response_mode=mode if mode in RESPONSE_MODES else None,
    )


def parse_authorization_request(params: Params) -> AuthorizationRequest:
    """Read the whole request, once client and redirect URI are verified.

    What came as a request object, or was pushed, is parameters again by now.

    Parameters that only make the page nicer (``ui_locales``, ``login_hint``, ``display``)
    never fail it; unknown ones are ignored; repeated ones are refused.

    Raises:
        OAuthRefusal: The error code to send to the redirect URI.
    """
    params.refuse_repeated(may_repeat=MAY_REPEAT)
    if "registration" in params:
        raise OAuthRefusal(
            "registration_not_supported", "registration is not supported.", field="registration"
        )
    _check_response_type(params)
    hint = params.one("login_hint")
    return AuthorizationRequest(
        client_id=params.required("client_id"),
        redirect_uri=params.one("redirect_uri"),
        response_mode=_response_mode(params),
        scope=parse_scope(params.one("scope")),
        state=_echoed(params, "state"),
        nonce=_echoed(params, "nonce"),
        code_challenge=parse_challenge(params),
        dpop_jkt=_dpop_jkt(params),
        prompt=parse_prompt(params.one("prompt")),
        max_age=parse_max_age(params.one("max_age")),
        resource=read_resource(params),
        acr_values=read_acr_values(params),
        login_hint=hint if hint is not None and len(hint) <= MAX_HINT_CHARACTERS else None,
        id_token_hint=params.secret("id_token_hint"),
        ui_locales=tuple((params.one("ui_locales") or "").split()[:MAX_LOCALES]),
        display=_display(params),
        requested_claims=parse_claims_request(params.one("claims")),
        authorization_details=parse_details(params.one("authorization_details")),
    )


def _check_response_type(params: Params) -> None:
    """Take ``code``; no implicit, no hybrid, no ``none`` (N020)."""
    if params.required("response_type") != "code":
        raise OAuthRefusal(
            "unsupported_response_type", "response_type must be code.", field="response_type"
        )


def _response_mode(params: Params) -> ResponseMode:
    mode = params.one("response_mode") or "query"
    if mode not in RESPONSE_MODES:
        raise OAuthRefusal(
            "invalid_request", "This response_mode is not supported.", field="response_mode"
        )
    return mode


def _echoed(params: Params, name: str) -> str | None:
    value = params.one(name)
    if value is not None and len(value) > MAX_ECHOED_CHARACTERS:
        raise OAuthRefusal("invalid_request", f"{name} is too long.", field=name)
    return value


def _dpop_jkt(params: Params) -> str | None:
    value = params.one("dpop_jkt")
    if value is not None and not is_thumbprint(value):
        raise OAuthRefusal(
            "invalid_request", "dpop_jkt is no SHA-256 thumbprint.", field="dpop_jkt"
        )
    return value


def read_acr_values(params: Params) -> tuple[str, ...]:
    """Read ``acr_values``, each once, in order of preference.

    Raises:
        OAuthRefusal: ``invalid_request``: too many.
    """
    values = (params.one("acr_values") or "").split()
    if len(values) > MAX_ACR_VALUES:
        raise OAuthRefusal("invalid_request", "There are too many acr_values.", field="acr_values")
    return tuple(dict.fromkeys(values))


def _display(params: Params) -> Display:
    value = params.one("display")
    return cast("Display", value) if value in {"popup", "touch", "wap"} else "page"
