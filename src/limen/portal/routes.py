"""The portal's pages, as one literal."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.permissions import (
    CONNECTIONS_CONNECT,
    CONNECTIONS_DISCONNECT,
    CONNECTIONS_READ,
    CONNECTIONS_REFRESH,
    CONNECTIONS_SHARE,
)
from limen.access.require import RouteGuard, public, require, signed_in
from limen.db.work import Work
from limen.portal import (
    actions,
    api_keys_page,
    close_page,
    connection_page,
    credential_page,
    email_page,
    password_page,
    profile_page,
    two_step_page,
)
from limen.portal.account_page import show_account
from limen.portal.parts import Parts
from limen.web.exchange import Handler, route
from limen.web.pages.only import PagesOnly
from limen.web.redirects import page_url, see_other


class _Step(Protocol):
    def __call__(self, request: Request, work: Work, *, parts: Parts) -> Awaitable[Response]: ...


class _Add(Protocol):
    def __call__(self, path: str, step: _Step, *, guard: RouteGuard | None = None) -> BaseRoute: ...


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""

    def bound(step: _Step) -> Handler:
        return partial(step, parts=parts)

    def get(path: str, step: _Step, *, guard: RouteGuard | None = None) -> BaseRoute:
        return route(path, bound(step), guard=_only(guard or signed_in()), face="page")

    def post(path: str, step: _Step, *, guard: RouteGuard | None = None) -> BaseRoute:
        guarded = _only(guard or signed_in())
        return route(path, bound(step), guard=guarded, face="page", methods=["POST"])

    return [
        route("/", _arrive, guard=_only(public("it only leads to the account page")), face="page"),
        get("/account", show_account),
        post("/account/sessions/end", actions.end_session),
        post("/account/sessions/end-others", actions.end_other_sessions),
        post("/account/consents/withdraw", actions.withdraw),
        post(
            "/account/connections/disconnect",
            actions.end_connection,
            guard=require(CONNECTIONS_DISCONNECT),
        ),
        get(
            connection_page.PATH,
            connection_page.show_connection_page,
            guard=require(CONNECTIONS_READ),
        ),
        post(
            f"{connection_page.PATH}/unshare",
            connection_page.stop_sharing,
            guard=require(CONNECTIONS_SHARE),
        ),
        *_credentials(get, post),
        post("/account/identities/unlink", actions.unlink_identity),
        post("/account/verify-email", actions.mail_again),
        get(profile_page.PATH, profile_page.show_profile_page),
        post(profile_page.PATH, profile_page.change),
        post(f"{profile_page.PATH}/remove-picture", profile_page.remove_picture),
        get(api_keys_page.PATH, api_keys_page.show_api_keys_page),
        post(api_keys_page.PATH, api_keys_page.make),
        post(f"{api_keys_page.PATH}/revoke", api_keys_page.revoke),
        get(email_page.PATH, email_page.show_email_page),
        post(email_page.PATH, email_page.ask),
        post(f"{email_page.PATH}/confirm", email_page.confirm),
        get(close_page.PATH, close_page.show_close_page),
        post(close_page.PATH, close_page.close),
        get("/account/password", password_page.show_password_page),
        post("/account/password", password_page.change),
        get(two_step_page.PATH, two_step_page.show_two_step),
        post(two_step_page.PATH, two_step_page.confirm),
        post(f"{two_step_page.PATH}/codes", two_step_page.renew_codes),
        post(f"{two_step_page.PATH}/remove", two_step_page.remove),
    ]


def _credentials(get: _Add, post: _Add) -> list[BaseRoute]:
    give, keep = require(CONNECTIONS_CONNECT), require(CONNECTIONS_REFRESH)
    return [
        get(credential_page.GIVE, credential_page.show_give_page, guard=give),
        post(credential_page.GIVE, credential_page.give_key, guard=give),
        get(credential_page.REPLACE, credential_page.show_replace_page, guard=give),
        post(credential_page.REPLACE, credential_page.replace_key, guard=give),
        post(credential_page.VERIFY, credential_page.ask_about_key, guard=keep),
    ]


async def _arrive(request: Request, _work: Work) -> Response:
    return see_other(page_url(request, "/account"))


def _only(guard: RouteGuard) -> PagesOnly:
    return PagesOnly(guard)
