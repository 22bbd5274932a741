"""``/invitation``: open an account, or take a role, by the mailed link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.invitations.accept import (
    Joining,
    accept_signed_in,
    accept_with_password,
    has_account,
    is_for,
    look_at_invitation,
)
from limen.access.invitations.model import Invitation
from limen.access.require import public
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.signin.continue_url import sign_continue
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.parts import Parts
from limen.tenants import policy_of
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.pages.speak import spoken
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_GUARD = PagesOnly(public("whoever was invited comes in by the link that was mailed to them"))


class InvitationPage:
    """Both verbs of the page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._page = FormPage(parts.pages, "signin/invitation.html")

    async def show(self, request: Request, work: Work) -> Response:
        """Show what the link is for; reading it takes nothing, for programs that read mail do."""
        check_rate(request, "page")
        query = read_query(request)
        invitation = await look_at_invitation(work, raw_token=secret_of(query, "token"))
        context = await self._context(request, work, invitation, token=text_of(query, "token"))
        return self._page.show(request, {**context, "name": ""})

    async def submit(self, request: Request, work: Work) -> Response:
        """Accept it."""
        check_rate(request, "sign_up")
        form = await read_form(request)
        raw_token = secret_of(form, "token")
        invitation = await look_at_invitation(work, raw_token=raw_token)
        context = await self._context(request, work, invitation, token=text_of(form, "token"))
        if context["state"] in {"mine", "other"}:
            await accept_signed_in(work, raw_token=raw_token)
            return see_other(page_url(request, "/account", done="invitation-accepted"))
        name = form.one("name")
        self._page.again(request, {**context, "name": name or ""})
        joining = Joining(
            password=secret_of(form, "password"),
            claims={**spoken(request), **({} if name is None else {"name": name})},
        )
        await accept_with_password(
            work,
            raw_token=raw_token,
            joining=joining,
            hasher=self._parts.hasher,
            hooks=self._parts.hooks,
        )
        return self._parts.pages.render(
            request, "signin/invitation_done.html", email=invitation.email
        )

    async def _context(
        self, request: Request, work: Work, invitation: Invitation, *, token: str
    ) -> dict[str, Any]:
        actor = await authenticate(request, work)
        if actor.kind == "user" and actor.scope is None:
            state = "mine" if is_for(invitation, await get_user(work, actor.id)) else "other"
        else:
            state = "known" if await has_account(work, invitation) else "new"
        path = f"{work.site.path}/invitation?{urlencode({'token': token})}"
        return {
            "state": state,
            "email": invitation.email,
            "token": token,
            "min_length": policy_of(work).password_min_length,
            "providers": await self._parts.list_providers(work),
            "continue_": await sign_continue(work, envelope=self._parts.envelope, path=path),
        }


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = InvitationPage(parts)
    return [
        route("/invitation", page.show, guard=_GUARD, face="page"),
        route("/invitation", page.submit, guard=_GUARD, face="page", methods=["POST"]),
    ]
