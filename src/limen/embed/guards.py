"""Who asks, for the host's own routes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from fastapi import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive
from typing_extensions import override

from limen.app.compose import Application
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import BearerRefusal, NotAuthenticated, Refusal
from limen.kernel.secret import Secret
from limen.protocol.sender.proof import Proof
from limen.tokens.resource import ActiveToken, InProcess
from limen.tokens.resource.sources import Source
from limen.web.deps import authenticate
from limen.web.errors import bearer_challenge, status_of
from limen.web.locate import ADDRESS, escaped_path
from limen.web.peer.client_certificate import take_certificate
from limen.web.state import added_headers

NOTHING_ADDED: Final[Mapping[str, str]] = MappingProxyType({})


async def find_current_user(application: Application, request: Request) -> Actor:
    """Return who asks: by bearer token, our session cookie, or the host's own user.

    Raises:
        HTTPException: 401 when nobody is known, 403 when the request is not believed.
    """
    runtime = application.runtime
    site = await runtime.directory.default()
    address = f"{site.origin}{escaped_path(request.scope)}"
    state = {
        **request.scope.get("state", {}),
        "edge": application.edge,
        "site": site,
        ADDRESS: address,
    }
    scope = {**request.scope, "state": state}
    if application.edge.certificate_header is not None:
        take_certificate(
            scope, application.edge.certificate_header, trusted=application.edge.trusted_proxies
        )
    inner = Request(scope, _reads_again(request))

    async def exchange(work: Work) -> Actor:
        state["work"] = work
        return await authenticate(inner, work)

    try:
        actor = await runtime.works.run(site, exchange)
    except Refusal as refusal:
        raise _as_http(refusal, realm=site.issuer, added=added_headers(inner)) from None
    if actor.kind != "user":
        raise _as_http(NotAuthenticated(), realm=site.issuer)
    return actor


def _reads_again(request: Request) -> Receive:
    """Return what tells us the body of the host's request, for the token that a form carries.

    The server tells it once: read from there, it would be gone for the host, and whoever of us
    comes second would wait until the browser hangs up.
    """

    async def receive() -> Message:
        return {"type": "http.request", "body": await _body_of(request), "more_body": False}

    return receive


async def _body_of(request: Request) -> bytes:
    """Return the body, which the host's request keeps; nothing of one that the host streamed."""
    try:
        return await request.body()
    except RuntimeError:
        pass
    try:
        form = await request.form()
    except (RuntimeError, AssertionError):
        # Nothing is left of it; or what would read it is not installed.
        return b""
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return urlencode(fields).encode()


class DefaultTenant(Source):
    """Tells of tokens of the default tenant, in this process.

    Args:
        application: Its directory knows the tenant once it runs.
    """

    def __init__(self, application: Application) -> None:
        self._runtime = application.runtime

    @property
    @override
    def issuer(self) -> str:
        return self._runtime.settings.base_url

    @override
    async def find(self, raw: Secret[str], *, audience: str) -> ActiveToken | None:
        return await (await self._source()).find(raw, audience=audience)

    @override
    async def accept_proof(self, proof: Proof, *, needs_nonce: bool) -> str:
        return await (await self._source()).accept_proof(proof, needs_nonce=needs_nonce)

    async def _source(self) -> InProcess:
        site = await self._runtime.directory.default()
        return InProcess(self._runtime.works, site, self._runtime.keyring)

    @override
    def now(self) -> dt.datetime:
        return self._runtime.works.clock.now()


def _as_http(
    refusal: Refusal, *, realm: str, added: Mapping[str, str] = NOTHING_ADDED
) -> HTTPException:
    """Say it in the host's own framework: our faces are not the host's, our challenges are."""
    status = status_of(refusal)
    headers = dict(added)
    if isinstance(refusal, BearerRefusal):
        headers["WWW-Authenticate"] = bearer_challenge(realm, refusal)
    elif status == 401:
        headers["WWW-Authenticate"] = f'Bearer realm="{realm}"'
    return HTTPException(status, {"code": refusal.code, "detail": refusal.public}, headers)
