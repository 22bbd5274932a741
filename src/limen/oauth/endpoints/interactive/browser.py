"""What the browser is told and asked: its cookie, its session, the answer it carries away."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.kernel.actor import Actor
from limen.kernel.errors import MethodNotAllowed
from limen.oauth.authorization.asked import SignedIn
from limen.oauth.model import Binding
from limen.protocol.responses import AuthorizationResponse
from limen.web import cookies
from limen.web.pages import Pages
from limen.web.redirects import see_other

COOKIE: Final = "flow"


def signed_in(actor: Actor) -> SignedIn | None:
    """Return who is there by a browser's session.

    An access token does not sign anybody in here: a client could trade the little it was
    granted for a code with more.
    """
    if actor.kind != "user" or actor.scope is not None or actor.authenticated_at is None:
        return None
    return SignedIn(
        user_id=actor.id,
        session_id=actor.session_id,
        authenticated_at=actor.authenticated_at,
        amr=actor.amr,
    )


def browser_binding(request: Request) -> Binding | None:
    """Return what this browser's cookie proves; ``None`` without one."""
    return binding_of(cookies.read(request, COOKIE))


def binding_of(cookie: str | None) -> Binding | None:
    """Return what the value of that cookie proves."""
    return None if cookie is None else _binding(cookie)


def bind_browser(request: Request) -> tuple[str, Binding]:
    """Return the browser's cookie, a new one if it has none, and the binding to it."""
    value = cookies.read(request, COOKIE) or secrets.token_urlsafe(32)
    return value, _binding(value)


def remember_browser(response: Response, request: Request, value: str) -> Response:
    """Set the cookie, until the browser closes: it opens nothing without a handle."""
    cookies.write(response, request, COOKIE, value=value)
    return response


def send_answer(request: Request, answer: AuthorizationResponse, *, pages: Pages) -> Response:
    """Send the browser back to the client, by 303 or by a form that posts itself."""
    if answer.is_form:
        return pages.render(
            request,
            "oauth/form_post.html",
            form_action=False,
            scripts=True,
            action=answer.redirect.uri,
            pairs=answer.pairs,
        )
    return see_other(answer.location())


def refuse_head(request: Request) -> None:
    """Refuse HEAD, which Starlette takes wherever it takes GET: here GET does something.

    Raises:
        MethodNotAllowed: For HEAD.
    """
    if request.method == "HEAD":
        raise MethodNotAllowed(public="Use GET.")


def _binding(value: str) -> Binding:
    return Binding("browser", hashlib.sha256(value.encode()).hexdigest())
