"""The connect page and the provider's way back: what a browser sees of the vault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.permissions import CONNECTIONS_CONNECT
from limen.access.require import public, require
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.federation.finish import Callback
from limen.kernel.errors import InvalidInput, NotPermitted, Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import token_hash
from limen.signin.continue_url import sign_continue
from limen.vault.connect import (
    WantedConnection,
    begin_connect,
    check_return,
    check_wanted,
    finish_connect,
)
from limen.vault.connect_link import look_at_link, take_link
from limen.vault.endpoints.confirming import confirm_pages, destination
from limen.vault.endpoints.sharing_page import sharing_pages
from limen.vault.features.offered import features_at
from limen.vault.parts import Parts
from limen.vault.sessions.end import decline_link, fail_journey
from limen.vault.sessions.hold import hold
from limen.vault.sessions.store import leave
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.redirects import page_url, see_other

_SIGNS_IN_FIRST = public("shows nothing to strangers: it sends them to sign in first")


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes that browsers visit."""
    ours = _ConnectPages(parts)
    connect = require(CONNECTIONS_CONNECT)
    return [
        route("/account/connect/{provider}", ours.ask, guard=_SIGNS_IN_FIRST, face="page"),
        route(
            "/account/connect/{provider}",
            ours.leave,
            guard=connect,
            face="page",
            methods=["POST"],
        ),
        route("/api/v1/oauth/{provider}/callback", ours.callback, guard=connect, face="page"),
        *confirm_pages(parts),
        *sharing_pages(parts),
    ]


class _ConnectPages:
    """Ask, leave, come back."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def ask(self, request: Request, work: Work) -> Response:
        """Name the local user and what will be asked of the provider, before leaving."""
        actor = await authenticate(request, work)
        if actor.kind != "user" or actor.scope is not None:
            return await self._sign_in_first(request, work)
        wanted = await self._wanted(request, work)
        _, provider, wanted = await check_wanted(work, self._parts, wanted=wanted)
        user = await get_user(work, actor.id)
        pages = self._parts.pages
        assert pages is not None
        return pages.render(
            request,
            "vault/connect.html",
            form_action=False,  # the submission ends at the provider
            provider=provider,
            features=await features_at(work, provider, provider_id=wanted.provider),
            chosen=wanted.features,
            person=user.email or user.id,
            link=read_query(request).one("link") or "",
            connection=wanted.connection_id,
        )

    async def leave(self, request: Request, work: Work) -> Response:
        """Send the browser to the provider."""
        provider = request.path_params["provider"]
        form = await read_form(request)
        raw_link = form.secret("link")
        if raw_link is None:
            wanted = WantedConnection(
                provider=provider,
                features=form.many("feature"),
                connection_id=form.one("connection") or "",
            )
            return see_other(await begin_connect(work, self._parts, wanted=wanted))
        if form.one("decision") == "decline":
            back = await decline_link(work, provider=provider, raw_link=raw_link)
            return see_other(destination(request, back))
        # Looked at first and taken last: leaving asks the provider's endpoints in between.
        wanted = await look_at_link(work, provider=provider, raw_link=raw_link)
        url = await begin_connect(work, self._parts, wanted=wanted)
        await take_link(work, provider=provider, raw_link=raw_link)
        if not await leave(work, wanted.session_id, state_hash=_state_hash(url)):
            raise InvalidInput("link_invalid", "This link was used, has expired or is not yours.")
        return see_other(url)

    async def callback(self, request: Request, work: Work) -> Response:
        """Take the provider's answer for the person and session that asked for it."""
        actor, site = work.actor, work.site
        if actor.kind != "user" or actor.scope is not None:
            raise NotPermitted(
                "browser_session_required", "Connecting ends in the browser it began in."
            )
        callback = Callback(
            params=read_query(request),
            provider=request.path_params["provider"],
            purpose="connect",
            actor=actor,
        )
        await work.let_go()
        begun: dict[str, Any] = {}
        try:
            connected = await finish_connect(
                self._parts, site, callback=callback, hold=hold, taken=begun.update
            )
        except Refusal as refused:
            back = await self._failed(site, callback, code=refused.code)
            if back is None:
                back = await self._way_back(site, begun, code=refused.code)
            if back is None:
                raise
            return see_other(destination(request, back))
        return see_other(destination(request, connected.return_to))

    async def _failed(self, site: Site, callback: Callback, *, code: str) -> str | None:
        """End the session of a journey that was refused; return where its app wants the browser.

        A copied callback ends nothing: the journey it was copied from may be under way.
        """
        raw_state = callback.params.secret("state")
        if raw_state is None or code == "callback_invalid":
            return None

        async def body(work: Work) -> str | None:
            return await fail_journey(work, raw_state=raw_state, reason=code)

        return await self._parts.works.run(site, body, actor=callback.actor)

    async def _way_back(self, site: Site, begun: Mapping[str, Any], *, code: str) -> str | None:
        """Return where a front end of another origin is told that its journey was refused.

        Only of a journey that this person began in this session, and where the tenant's policy
        still lets browsers go; ``None``: a page of ours says it.
        """
        return_to = str(begun.get("return_to", ""))
        if not return_to or return_to.startswith("/"):
            return None

        async def body(work: Work) -> None:
            check_return(work, return_to)

        await self._parts.works.run(site, body)
        place = urlsplit(return_to)
        query = f"{place.query}&error={code}" if place.query else f"error={code}"
        return urlunsplit(place._replace(query=query))

    async def _wanted(self, request: Request, work: Work) -> WantedConnection:
        provider = request.path_params["provider"]
        query = read_query(request)
        link = query.one("link")
        if link is not None:
            return await look_at_link(work, provider=provider, raw_link=Secret(link))
        return WantedConnection(
            provider=provider,
            features=query.many("feature"),
            connection_id=query.one("connection") or "",
        )

    async def _sign_in_first(self, request: Request, work: Work) -> Response:
        path = f"{work.site.path}/account/connect/{quote(request.path_params['provider'])}"
        query = request.scope["query_string"].decode("latin-1")
        back = await sign_continue(
            work, envelope=self._parts.envelope, path=f"{path}?{query}" if query else path
        )
        return see_other(page_url(request, "/sign-in", **{"continue": back}))


def _state_hash(authorize_url: str) -> bytes:
    """Return the hash of the ``state`` that a journey leaves with."""
    [state] = parse_qs(urlsplit(authorize_url).query)["state"]
    return token_hash(Secret(state))
