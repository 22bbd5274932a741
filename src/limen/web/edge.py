"""The one ASGI wrapper around everything: tenant, body limits, CORS, headers, last resort."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limen.kernel.errors import MalformedRequest, NotFound, Refusal
from limen.kernel.site import Site
from limen.web.body_limits import check_headers, counted
from limen.web.cookies import is_secure
from limen.web.framework import answer_fault, face_of, log_crash
from limen.web.locate import locate, route_path
from limen.web.peer.client_certificate import take_certificate
from limen.web.peer.client_ip import address_block
from limen.web.policy.cors import cors_headers, is_preflight, preflight_headers
from limen.web.policy.headers import RawHeaders, with_defaults
from limen.web.state import EdgeParts

_ACTIVE: Final = "active"
_WITHOUT_TENANT: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by machines of the operator, and to be answered while the database is gone."""


class Edge:
    """Wrap the application; plain ASGI, because a middleware per concern costs per request.

    Args:
        app: What answers once the tenant is known.
        parts: Handed on in the scope.
    """

    def __init__(self, app: ASGIApp, parts: EdgeParts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand the lifespan on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = {**scope.get("state", {}), "edge": self._parts}
        scope = {**scope, "state": state}
        if self._parts.certificate_header is not None:
            take_certificate(
                scope, self._parts.certificate_header, trusted=self._parts.trusted_proxies
            )
        headers = dict(scope["headers"])
        answering = _Answering(send)
        try:
            if route_path(scope) in _WITHOUT_TENANT:
                await self._app(scope, receive, answering.send)
                return
            site = await self._enter(scope, headers)
            answering.secure = is_secure(site)
            receive = self._limited(scope, headers, receive)
            _check_end(scope)
            origin = headers.get(b"origin")
            if origin is not None:
                answering.extra = await cors_headers(
                    site, route_path(scope), origin=origin, allows_origin=self._parts.allows_origin
                )
                if is_preflight(scope["method"], headers):
                    answering.extra = preflight_headers(answering.extra)
                    await Response(status_code=204)(scope, receive, answering.send)
                    return
            await self._app(scope, receive, answering.send)
        except Exception as fault:  # noqa: BLE001 -- the last resort: typed, without detail
            await self._last_resort(scope, fault, answering)
        finally:
            _tell_who_asked(state)

    async def _enter(self, scope: Scope, headers: dict[bytes, bytes]) -> Site:
        state = scope["state"]
        try:
            if len(headers) < len(scope["headers"]) and _has_two_hosts(scope):
                raise MalformedRequest(detail="two Host headers")
            site = await locate(scope, headers, sites=self._parts.sites)
            if getattr(site, "state", _ACTIVE) != _ACTIVE:
                raise NotFound("unknown_tenant", "There is no such tenant here.")
        except Refusal:
            state["site"] = await self._parts.sites.default()
            raise
        state["site"] = site
        return site

    def _limited(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        max_bytes = self._parts.body_limits.for_path(route_path(scope))
        check_headers(headers, max_bytes=max_bytes)
        if b"transfer-encoding" in headers:
            return counted(receive, max_bytes=max_bytes)
        return receive

    async def _last_resort(self, scope: Scope, fault: Exception, answering: _Answering) -> None:
        if answering.has_begun:
            log_crash(fault, scope)  # the server sees the answer is incomplete and hangs up
            return
        request = Request(scope)
        # Without a tenant, not even the default one, the database is gone: no page to show.
        face = face_of(request) if "site" in scope["state"] else "json"
        response = answer_fault(request, fault, face)
        await response(scope, request.receive, answering.send)


def _check_end(scope: Scope) -> None:
    """Find nothing at a path with a line break behind it.

    ``$`` ends the patterns of all routes and matches before it, too: what a proxy limits or
    keeps out by path would be answered under a second spelling.
    """
    if scope["path"].endswith("\n"):
        raise HTTPException(404)


def _tell_who_asked(state: dict[str, Any]) -> None:
    """Leave tenant and address block to whoever writes the request's line, if anybody does."""
    seen = state.get("seen")
    if seen is None:
        return
    site, address = state.get("site"), state.get("client_ip")
    seen["tenant"] = "" if site is None else site.slug
    seen["client"] = "" if address is None else address_block(address)


def _has_two_hosts(scope: Scope) -> bool:
    """Who stands before us may go by the one and we by the other (RFC 9112 section 3.2)."""
    return len([name for name, _ in scope["headers"] if name == b"host"]) > 1


class _Answering:
    """Sends on, with the headers every answer carries."""

    __slots__ = ("_send", "extra", "has_begun", "secure")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.extra: RawHeaders = []
        self.secure = True
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            told = message["headers"]
            if message["status"] == HTTPStatus.NO_CONTENT:  # frameworks name a type of nothing
                told = [pair for pair in told if pair[0] != b"content-type"]
            headers = with_defaults([*told, *self.extra], secure=self.secure)
            message = {**message, "headers": headers}
        await self._send(message)
