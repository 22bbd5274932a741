"""The one table from a Refusal to an HTTP status, and the headers that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.kernel.errors import (
    BearerRefusal,
    Conflict,
    InsufficientAuthentication,
    InvalidClient,
    InvalidInput,
    MalformedRequest,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OAuthRefusal,
    ProviderUnavailable,
    ReauthenticationRequired,
    Refusal,
    Throttled,
    TooLarge,
    Unavailable,
    UnsupportedContent,
)
from limen.protocol.sender.proof import PROOF_ALGS
from limen.web.locate import route_path
from limen.web.pages.error_words import words_for
from limen.web.redirects import page_url, see_other
from limen.web.state import edge_of, serves_pages, site_of

_MAX_FIELD: Final = 80

Face = Literal["json", "oauth", "page"]
"""How a refusal is told: RFC 9457 problem, RFC 6749 body, or a page for a person."""


class InvalidMembers(InvalidInput):
    """Several members of a JSON body, or of a query, are not acceptable.

    Args:
        members: For each its ``field``, a ``code`` and a ``detail``.
    """

    def __init__(self, members: list[dict[str, str]]) -> None:
        super().__init__("invalid_input", "Some of what was sent is not acceptable.")
        self.members = members


class ServerFault(Refusal):
    """We failed; nothing of what was asked has happened. The log has the rest."""

    default_code = "server_error"

    def __init__(self) -> None:
        super().__init__(public="Something went wrong on our side. Nothing was changed.")


STATUS: Final[Mapping[type[Refusal], int]] = MappingProxyType(
    {
        Refusal: 400,
        InvalidInput: 422,
        InvalidMembers: 422,
        MalformedRequest: 400,
        NotAuthenticated: 401,
        ReauthenticationRequired: 403,
        NotPermitted: 403,
        NotFound: 404,
        Conflict: 409,
        Throttled: 429,
        Unavailable: 503,
        ProviderUnavailable: 502,
        TooLarge: 413,
        UnsupportedContent: 415,
        MethodNotAllowed: 405,
        OAuthRefusal: 400,
        InvalidClient: 401,
        BearerRefusal: 401,
        InsufficientAuthentication: 401,
        ServerFault: 500,
    }
)
"""Complete: a test walks the subclasses of Refusal."""

_BY_CODE: Final[Mapping[tuple[type[Refusal], str], int]] = MappingProxyType(
    {
        (BearerRefusal, "insufficient_scope"): 403,  # RFC 6750 section 3.1
        (BearerRefusal, "invalid_request"): 400,
        (OAuthRefusal, "temporarily_unavailable"): 503,
        (OAuthRefusal, "server_error"): 500,
    }
)


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal: its class's, or what its code says for the class."""
    for kind in type(refusal).__mro__:
        by_code = _BY_CODE.get((kind, refusal.code))
        if by_code is not None:
            return by_code
        if kind in STATUS:
            return STATUS[kind]
    raise TypeError(f"{type(refusal).__name__} is no Refusal")


def answer(request: Request, refusal: Refusal, face: Face) -> Response:
    """Render a refusal in the way of the endpoint that raised it."""
    status = status_of(refusal)
    headers = _headers(request, refusal, status)
    if face == "oauth":
        return JSONResponse(
            oauth_body(refusal, status, issuer=_issuer(request, refusal)), status, headers
        )
    if face == "page" and serves_pages(request):
        return _page(request, refusal, headers)
    return JSONResponse(
        problem(refusal, status, issuer=_issuer(request, refusal)),
        status,
        headers,
        media_type="application/problem+json",
    )


def _issuer(request: Request, refusal: Refusal) -> str:
    """Return whom a refusal says to ask; before a tenant is known none does."""
    return site_of(request).issuer if refusal.ask_at else ""


def problem(refusal: Refusal, status: int, *, issuer: str) -> dict[str, Any]:
    """Return the problem details of a refusal (RFC 9457), with the stable ``code``.

    ``ask_uri`` is where an application asks the person who can help.
    """
    detail = _writable(refusal.public)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": refusal.code,
    }
    if refusal.ask_at:
        body["ask_uri"] = f"{issuer}{refusal.ask_at}"
    if isinstance(refusal, InvalidMembers):
        body["errors"] = refusal.members
    elif refusal.field:
        named = _writable(refusal.field)[:_MAX_FIELD]
        body["errors"] = [{"field": named, "code": refusal.code, "detail": detail}]
    return body


def _writable(text: str) -> str:
    """Return a text as UTF-8 can say it: one that names a member somebody made up may not be."""
    return text.encode("utf-8", "replace").decode()


def oauth_body(refusal: Refusal, status: int, *, issuer: str) -> dict[str, str]:
    """Return the body of RFC 6749 section 5.2; kinds that it has no word for get one."""
    if isinstance(refusal, OAuthRefusal):
        code = refusal.code
    elif status in {502, 503, 429}:
        code = "temporarily_unavailable"
    elif status == HTTPStatus.INTERNAL_SERVER_ERROR:
        code = "server_error"
    else:
        code = "invalid_request"
    text = "".join(c if " " <= c <= "~" and c not in '"\\' else " " for c in refusal.public)
    closer = refusal.closer if isinstance(refusal, OAuthRefusal) else ""
    more = {"limen_code": closer} if closer else {}
    if refusal.ask_at:
        more["limen_ask_uri"] = f"{issuer}{refusal.ask_at}"
    return {"error": code, "error_description": text, **more}


def _headers(request: Request, refusal: Refusal, status: int) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    retry_after = getattr(refusal, "retry_after_seconds", None)
    if retry_after is not None:
        headers["retry-after"] = str(max(1, int(retry_after)))
    if isinstance(refusal, BearerRefusal):
        if refusal.code == "insufficient_scope":
            refusal.scheme = _scheme_of(request)
        headers["www-authenticate"] = _challenge(request, refusal)
    elif isinstance(refusal, ReauthenticationRequired) and "authorization" in request.headers:
        # What a client of ours asks for next (RFC 9470 section 3); the status stays 403, for
        # the token is good and refreshing it would change nothing.
        wanted = InsufficientAuthentication(
            refusal.public, max_age=refusal.max_age, scheme=_scheme_of(request)
        )
        headers["www-authenticate"] = _challenge(request, wanted)
    elif isinstance(refusal, NotAuthenticated):
        headers["www-authenticate"] = _challenge(request, BearerRefusal(presented=False))
    elif status == HTTPStatus.UNAUTHORIZED and "authorization" in request.headers:
        # RFC 6749 section 5.2: only who used the header is challenged; a challenge to a
        # script's request would open the browser's own password window.
        headers["www-authenticate"] = f'Basic realm="{site_of(request).issuer}"'
    return headers


def _scheme_of(request: Request) -> Literal["Bearer", "DPoP"]:
    """Return how a token came that is good and allows too little: that is the challenge's too."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    return "DPoP" if scheme.lower() == "dpop" else "Bearer"


def _challenge(request: Request, refusal: BearerRefusal) -> str:
    """Return the challenge; at our JSON API it says where its metadata stands (RFC 9728 5.1)."""
    site = site_of(request)
    is_api = route_path(request.scope).startswith("/api/v1/")
    return bearer_challenge(
        site.issuer, refusal, metadata_url=site.api_metadata_url if is_api else ""
    )


def bearer_challenge(realm: str, refusal: BearerRefusal, *, metadata_url: str = "") -> str:
    """Return the ``WWW-Authenticate`` of a refused token (RFC 6750 section 3, RFC 9449 7.1).

    Args:
        realm: Whose tokens are taken.
        refusal: Tells the scheme, and what was wrong unless no token came.
        metadata_url: Of the API that refuses; empty where it has none.
    """
    parts = [f'realm="{realm}"']
    if refusal.presented:
        parts.append(f'error="{refusal.code}"')
        described = oauth_body(refusal, 401, issuer=realm)["error_description"]
        parts.append(f'error_description="{described}"')
    if metadata_url:
        parts.append(f'resource_metadata="{metadata_url}"')
    if refusal.scope:
        parts.append(f'scope="{refusal.scope}"')
    if isinstance(refusal, InsufficientAuthentication):
        parts += [f'{name}="{value}"' for name, value in refusal.wanted.items()]
    if refusal.scheme == "DPoP":
        parts.append(f'algs="{" ".join(PROOF_ALGS)}"')
    return f"{refusal.scheme} " + ", ".join(parts)


def _page(request: Request, refusal: Refusal, headers: dict[str, str]) -> Response:
    """Show the error page, or, to somebody who is not signed in, where to do that."""
    if isinstance(refusal, NotAuthenticated) and request.method == "GET":
        return see_other(page_url(request, "/sign-in", **{"continue": route_path(request.scope)}))
    status = status_of(refusal)
    return edge_of(request).pages.render(
        request,
        "web/error.html",
        status=status,
        headers=headers,
        refusal=refusal,
        words=words_for(status),
    )
