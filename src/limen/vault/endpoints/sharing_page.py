"""``/account/share/{id}``: the page on which an app asks for one of a person's accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.permissions import CONNECTIONS_SHARE
from limen.access.require import public, require
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.oauth.endpoints.interactive import words
from limen.protocol.params import Params
from limen.signin.continue_url import sign_continue
from limen.vault.asking.answer import allow, connect_first, deny
from limen.vault.asking.look import Asking, look_at_request
from limen.vault.parts import Parts
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.redirects import page_url, see_other

_PATH: Final = "/account/share/{request_id}"
_SIGNS_IN_FIRST: Final = public("shows nothing to strangers: it sends them to sign in first")


def sharing_pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes that browsers visit."""
    ours = _SharingPage(parts)
    guard = require(CONNECTIONS_SHARE)
    return [
        route(_PATH, ours.ask, guard=_SIGNS_IN_FIRST, face="page"),
        route(_PATH, ours.answer, guard=guard, face="page", methods=["POST"]),
    ]


class _SharingPage:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def ask(self, request: Request, work: Work) -> Response:
        """Say who asks, for what, and what it would be given."""
        actor = await authenticate(request, work)
        if actor.kind != "user" or actor.scope is not None:
            return await self._sign_in_first(request, work)
        query = read_query(request)
        asking = await self._asking(request, work, query)
        user = await get_user(work, actor.id)
        pages = self._parts.pages
        assert pages is not None
        redirect_uri = asking.request.redirect_uri
        return pages.render(
            request,
            "vault/share.html",
            form_action=False,  # the submission may end at the app, or at the provider
            asking=asking,
            asked_for=[
                (asking.offered[name].title, _allows(asking, name))
                for name in _known(asking, asking.request.features)
            ],
            titles={name: feature.title for name, feature in asking.offered.items()},
            ready=[each for each in asking.accounts if each.state == "ready"],
            others=[each for each in asking.accounts if each.state != "ready"],
            person=user.email or user.id,
            warning=words.warning(asking.client, redirect_uri=redirect_uri),
            destination=words.destination(redirect_uri) if redirect_uri else "",
            link=query.one("link") or "",
        )

    async def answer(self, request: Request, work: Work) -> Response:
        """Take the answer."""
        form = await read_form(request)
        asking = await self._asking(request, work, form)
        account = form.one("account") or ""
        match form.one("decision"):
            case "allow":
                if form.one("mode") != asking.mode:  # who agreed to the proxy gave no key away
                    text = "What this would allow has changed. Look at it again."
                    raise Conflict("sharing_changed", text)
                seen = (form.one(f"seen-{account}") or "").split()
                back = await allow(work, self._parts, asking, connection_id=account, seen=seen)
            case "deny":
                back = await deny(work, asking)
            case "connect":
                return see_other(
                    await connect_first(work, self._parts, asking, connection_id=account)
                )
            case _:
                raise InvalidInput("decision_invalid", "Share, or do not share.", field="decision")
        return see_other(page_url(request, back) if back.startswith("/") else back)

    async def _asking(self, request: Request, work: Work, params: Params) -> Asking:
        return await look_at_request(
            work,
            self._parts,
            request_id=request.path_params["request_id"],
            raw_link=params.secret("link"),
        )

    async def _sign_in_first(self, request: Request, work: Work) -> Response:
        path = f"{work.site.path}/account/share/{quote(request.path_params['request_id'])}"
        query = request.scope["query_string"].decode("latin-1")
        back = await sign_continue(
            work, envelope=self._parts.envelope, path=f"{path}?{query}" if query else path
        )
        return see_other(page_url(request, "/sign-in", **{"continue": back}))


def _known(asking: Asking, names: Iterable[str]) -> list[str]:
    """Leave out what the provider offers no more; nobody can agree to it either."""
    return [name for name in names if name in asking.offered]


def _allows(asking: Asking, name: str) -> list[str]:
    """Say what each scope of a feature means, where the feature's title does not."""
    feature, scopes = asking.offered[name], asking.provider.facts.scopes
    return [
        scopes[scope].title
        for scope in feature.scopes
        if scope in scopes and scopes[scope].title != feature.title
    ]
