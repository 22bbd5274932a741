"""What our endpoints answer: tokens, errors, authorization answers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from limen.kernel.clock import to_timestamp
from limen.kernel.errors import OAuthRefusal
from limen.kernel.json_text import json_writer
from limen.kernel.secret import Secret
from limen.protocol.authorization_details import Details
from limen.protocol.client_metadata import SIGNED_MODES, ResponseMode
from limen.protocol.redirect_uri import VerifiedRedirect
from limen.protocol.scopes import join_scope
from limen.protocol.sender.confirmation import TokenType

_encode: Final = json_writer()
_UNSAFE: Final = re.compile(r"[^\x20-\x21\x23-\x5B\x5D-\x7E]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a token response says.

    Args:
        token_type: How the access token is sent.
        expires_in: In seconds.
        scope: Said whenever there is one, so that nobody must guess what was dropped; no scope
            at all can't be written as one (RFC 6749 section 3.3).
        issued_type: What the access token is, where something else could have been asked for.
        authorization_details: What it allows in detail (RFC 9396 section 7).
    """

    raw_access_token: Secret[str]
    token_type: TokenType = "Bearer"  # noqa: S105 -- a type's name
    expires_in: int
    scope: tuple[str, ...]
    raw_refresh_token: Secret[str] | None = None
    id_token: str | None = None
    issued_type: str = ""
    authorization_details: Details = ()


def token_response(answer: TokenAnswer) -> bytes:
    """Write a token response (RFC 6749 section 5.1, OIDC Core section 3.1.3.3)."""
    members: dict[str, object] = {
        "access_token": answer.raw_access_token.reveal(),
        "token_type": answer.token_type,
        "expires_in": answer.expires_in,
    }
    if answer.scope:
        members["scope"] = join_scope(answer.scope)
    if answer.raw_refresh_token is not None:
        members["refresh_token"] = answer.raw_refresh_token.reveal()
    if answer.id_token is not None:
        members["id_token"] = answer.id_token
    if answer.issued_type:
        members["issued_token_type"] = answer.issued_type
    if answer.authorization_details:
        members["authorization_details"] = answer.authorization_details
    return _encode(members).encode()


def handed_response(
    *,
    raw_token: Secret[str],
    issued_type: str,
    token_type: str,
    scope: tuple[str, ...],
    expires_in: int | None,
    more: Mapping[str, str | int] = MappingProxyType({}),
) -> bytes:
    """Write what a token was exchanged for (RFC 8693 section 2.2.1).

    It is called ``access_token`` whatever it is, for historical reasons; ``token_type`` says
    how it is used, ``N_A`` if not as one.
    """
    members: dict[str, object] = {
        **more,
        "access_token": raw_token.reveal(),
        "issued_token_type": issued_type,
        "token_type": token_type,
    }
    if scope:
        members["scope"] = join_scope(scope)
    if expires_in is not None:
        members["expires_in"] = expires_in
    return _encode(members).encode()


def error_body(refusal: OAuthRefusal) -> dict[str, str]:
    """Write an error as RFC 6749 section 5.2 wants it: no quotes, no backslash, ASCII."""
    return {"error": refusal.code, "error_description": _description(refusal)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """An answer to an authorization request, bound for an address that is verified.

    Made by ``issued`` and ``refused``; ``enclosed`` where the mode is one of JARM's. If
    ``is_form`` the caller renders a form that posts ``pairs`` to ``redirect.uri``; otherwise it
    sends a 303 to ``location``.
    """

    redirect: VerifiedRedirect
    mode: ResponseMode
    pairs: tuple[tuple[str, str], ...]

    @property
    def is_form(self) -> bool:
        """Whether the browser posts the answer."""
        return self.mode in {"form_post", "form_post.jwt"}

    @property
    def is_signed(self) -> bool:
        """Whether the answer is one signed parameter (JARM section 2.3)."""
        return self.mode in SIGNED_MODES

    def location(self) -> str:
        """Return the URL to send the browser to; holds the code, so never log it."""
        if self.mode in {"fragment", "fragment.jwt"}:
            return self.redirect.with_fragment(self.pairs)
        return self.redirect.with_params(self.pairs)

    def claims(self, *, client_id: str, expires_at: dt.datetime) -> dict[str, object]:
        """Return what the signed answer says: all of it, ``iss`` among it (JARM section 2.1)."""
        return {**dict(self.pairs), "aud": client_id, "exp": to_timestamp(expires_at)}

    def enclosed(self, raw_jwt: str) -> AuthorizationResponse:
        """Return the answer as one signed parameter, with nothing beside it."""
        return dataclasses.replace(self, pairs=(("response", raw_jwt),))


def issued(
    redirect: VerifiedRedirect,
    *,
    mode: ResponseMode,
    issuer: str,
    state: str | None,
    raw_code: Secret[str],
) -> AuthorizationResponse:
    """Answer with a code, with ``state`` and with our name (RFC 9207: mix-up attacks)."""
    return _answer(redirect, mode, (("code", raw_code.reveal()), *_tail(issuer, state)))


def refused(
    redirect: VerifiedRedirect,
    *,
    mode: ResponseMode,
    issuer: str,
    state: str | None,
    refusal: OAuthRefusal,
) -> AuthorizationResponse:
    """Answer with an error (RFC 6749 section 4.1.2.1), ``iss`` here too."""
    said = (("error", refusal.code), ("error_description", _description(refusal)))
    return _answer(redirect, mode, (*said, *_tail(issuer, state)))


def _answer(
    redirect: VerifiedRedirect, mode: ResponseMode, pairs: tuple[tuple[str, str], ...]
) -> AuthorizationResponse:
    return AuthorizationResponse(redirect=redirect, mode=mode, pairs=pairs)


def _tail(issuer: str, state: str | None) -> tuple[tuple[str, str], ...]:
    return ((("state", state),) if state is not None else ()) + (("iss", issuer),)


def _description(refusal: OAuthRefusal) -> str:
    return _UNSAFE.sub("?", refusal.public.replace('"', "'"))
