"""An API that accepts our access tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.kernel.errors import (
    BearerRefusal,
    InsufficientAuthentication,
    OAuthRefusal,
    ProviderUnavailable,
    Unavailable,
)
from limen.protocol.metadata import resource_document
from limen.protocol.resource_indicator import parse_resource
from limen.tokens.look_up import ActiveToken
from limen.tokens.resource.bearer import NO_TOKEN, challenge, read_token
from limen.tokens.resource.prove import DEFAULT_RULES, Prover, SenderRules, nonce_of
from limen.tokens.resource.sources import Source
from limen.tokens.sender.check_sender import check_sender

_STATUS: Final = {"insufficient_scope": 403, "invalid_request": 400}
_WITHOUT_TOKEN: Final = frozenset({NO_TOKEN, "invalid_token"})
"""Who has to obtain a token is told what it should allow, so as to ask for that and no more."""
_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_METADATA_SECONDS: Final = 3600
_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}
"""For the scripts of clients that add a header of their own to the question (MCP's do)."""
_NOWHERE: Final = Response()
"""For headers of the answer, where the dependency is called by hand and not by FastAPI."""

# For OpenAPI alone: it puts the lock on the route; read_bearer does the reading.
_Shown = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(HTTPBearer(auto_error=False, description="An OAuth access token.")),
]


Proved = Callable[[Request], Collection[str]]
"""Reads which keys a request proves to come from: ``x5t#S256:…``."""


def _nothing(_request: Request) -> Collection[str]:
    return ()


def _audience_of(resource: str) -> str:
    try:
        return parse_resource(resource)
    except OAuthRefusal as refusal:
        raise ValueError(refusal.public) from refusal


class ResourceServer:
    """One protected resource.

    Args:
        resource: Its identifier: an https URL without fragment, the audience of its tokens,
            which have it in the form that resources compare in (``parse_resource``).
        source: How it learns whether a token is good.
        scopes: The scopes it knows, for its metadata.
        name: For people, in its metadata.
        proved: Reads which key a request proves to come from, for tokens that are bound to
            one; ``limen.web.peer.client_certificate.reads_binding`` makes it for certificates. DPoP
            proofs are always looked at.
        sender: What is asked of tokens that are bound to a key, and of the proofs.

    Raises:
        ValueError: ``resource`` can't identify one (RFC 8707 §2, RFC 9728 §1.2).
    """

    def __init__(
        self,
        resource: str,
        *,
        source: Source,
        scopes: Iterable[str] = (),
        name: str = "",
        proved: Proved = _nothing,
        sender: SenderRules = DEFAULT_RULES,
    ) -> None:
        self._resource = resource
        self._audience = _audience_of(resource)
        self._source = source
        self._scopes = tuple(scopes)
        self._name = name
        self._proved = proved
        self._sender_constrained = sender.required
        parts = urlsplit(resource)
        base = sender.base_url.rstrip("/") or f"{parts.scheme}://{parts.netloc}"
        self._prover = Prover(source, base=base, needs_nonce=sender.needs_nonce)

    @property
    def metadata_path(self) -> str:
        """Where the metadata stands: the well-known name before the resource's path.

        Only a slash that is the whole path is dropped (RFC 9728 §3.1).
        """
        path = urlsplit(self._resource).path
        return _WELL_KNOWN + ("" if path == "/" else path)

    @property
    def metadata_url(self) -> str:
        """The metadata's address, as every challenge names it."""
        parts = urlsplit(self._resource)
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}{self.metadata_path}{query}"

    def metadata(self) -> dict[str, Any]:
        """Return the protected resource metadata (RFC 9728 §2)."""
        return resource_document(
            self._resource,
            issuer=self._source.issuer,
            scopes=self._scopes,
            name=self._name,
            certificates=self._proved is not _nothing,
            bound=self._sender_constrained,
        )

    def metadata_route(self) -> Route:
        """Return the route to add at the root of the application; anyone may read it."""

        async def show(request: Request) -> Response:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=_PREFLIGHT)
            return JSONResponse(
                self.metadata(),
                headers={
                    "Access-Control-Allow-Origin": "*",
                    "Cache-Control": f"public, max-age={_METADATA_SECONDS}",
                },
            )

        return Route(self.metadata_path, show, methods=["GET", "OPTIONS"], include_in_schema=False)

    async def authenticate(
        self,
        request: Request,
        *,
        scope: str = "",
        acr_values: tuple[str, ...] = (),
        max_age: int | None = None,
    ) -> ActiveToken:
        """Return what the request's token stands for.

        Args:
            request: Its ``Authorization`` and ``DPoP`` headers are read; the nonce for the
                next proof is left in ``request.state.dpop_nonce``.
            scope: Scopes that are needed, all of them, separated by spaces.
            acr_values: How the person must have signed in: as any of these says.
            max_age: How long ago at most, in seconds.

        Raises:
            BearerRefusal: ``no_token``, ``invalid_request``, ``invalid_token``,
                ``invalid_dpop_proof``, ``use_dpop_nonce``, ``insufficient_scope`` or
                ``insufficient_user_authentication``.
            Unavailable: If the token can't be checked now.
        """
        presented = read_token(request)
        try:
            token = await self._source.find(presented.raw, audience=self._audience)
        except ProviderUnavailable as error:
            raise Unavailable("issuer_unavailable", detail=error.detail) from error
        if token is None or (self._sender_constrained and not token.bound_to):
            raise BearerRefusal(
                "invalid_token",
                f"The access token has expired, was revoked, or is not for {self._audience}.",
                scheme=presented.scheme,
            )
        proved = set(self._proved(request))
        if presented.scheme == "DPoP":
            proved.add(await self._prover.prove(request, presented.raw))
        check_sender(token, scheme=presented.scheme, proved=proved)
        if not set(scope.split()) <= set(token.scope):
            raise BearerRefusal(
                "insufficient_scope",
                "The access token allows less than this.",
                scope=scope,
                scheme=presented.scheme,
            )
        self._check_sign_in(token, acr_values=acr_values, max_age=max_age)
        return token

    def _check_sign_in(
        self, token: ActiveToken, *, acr_values: tuple[str, ...], max_age: int | None
    ) -> None:
        """Refuse a token whose sign-in is too weak or too old (RFC 9470 §3)."""
        is_weak = bool(acr_values) and token.acr not in acr_values
        is_old = max_age is not None and (
            token.auth_time is None
            or self._source.now() - token.auth_time > dt.timedelta(seconds=max_age)
        )
        if is_weak or is_old:
            raise InsufficientAuthentication(
                "This takes a stronger or a more recent sign-in.",
                acr_values=acr_values,
                max_age=max_age,
                scheme="DPoP" if token.bound_to.startswith("jkt:") else "Bearer",
            )

    def require_scope(
        self, scope: str = "", *, acr_values: tuple[str, ...] = (), max_age: int | None = None
    ) -> Callable[..., Awaitable[ActiveToken]]:
        """Return a FastAPI dependency that lets in tokens with all of these scopes.

        Args:
            scope: Separated by spaces; empty for any good token of this resource.
            acr_values: How the person must have signed in: as any of these says.
            max_age: How long ago at most, in seconds.

        Returns:
            Answers with the ``ActiveToken``; refuses with 400, 401 or 403 and the challenge of
            RFC 6750 and RFC 9470, or with 503 when nobody can tell.
        """

        async def dependency(
            request: Request,
            response: Response = _NOWHERE,
            _shown: _Shown = None,
        ) -> ActiveToken:
            try:
                token = await self.authenticate(
                    request, scope=scope, acr_values=acr_values, max_age=max_age
                )
            except BearerRefusal as refusal:
                if refusal.code in _WITHOUT_TOKEN:
                    refusal.scope = scope
                raise self._refused(refusal, nonce_of(request)) from None
            except Unavailable as refusal:
                retry = {"Retry-After": str(refusal.retry_after_seconds)}
                raise HTTPException(503, refusal.public, retry) from None
            if nonce_of(request):
                response.headers["DPoP-Nonce"] = nonce_of(request)
            return token

        return dependency

    def _refused(self, refusal: BearerRefusal, nonce: str) -> HTTPException:
        named = challenge(refusal, metadata_url=self.metadata_url)
        if refusal.code == NO_TOKEN:
            named = self._either_way(named, refusal)
        headers = {"WWW-Authenticate": named, "Cache-Control": "no-store"}
        if nonce:
            headers["DPoP-Nonce"] = nonce
        return HTTPException(_STATUS.get(refusal.code, 401), refusal.public, headers)

    def _either_way(self, bearer: str, refusal: BearerRefusal) -> str:
        """Tell who sent no token in which ways one can be sent (RFC 9449 §7.2)."""
        either = BearerRefusal(NO_TOKEN, scope=refusal.scope, scheme="DPoP")
        dpop = challenge(either, metadata_url=self.metadata_url)
        return dpop if self._sender_constrained else f"{bearer}, {dpop}"
