"""The page that names the local user and the account at the provider, and asks."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.permissions import CONNECTIONS_CONNECT
from limen.access.require import require
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.vault.parts import Parts
from limen.vault.sessions.confirm import confirm, decline, look_at_held
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.redirects import page_url, see_other

_PATH = "/account/connect/{provider}/confirm"


def confirm_pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes that browsers visit."""
    ours = _ConfirmPages(parts)
    guard = require(CONNECTIONS_CONNECT)
    return [
        route(_PATH, ours.ask, guard=guard, face="page"),
        route(_PATH, ours.answer, guard=guard, face="page", methods=["POST"]),
    ]


class _ConfirmPages:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def ask(self, request: Request, work: Work) -> Response:
        """Name both, before anything is in use."""
        session_id = read_query(request).one("session") or ""
        held = await look_at_held(
            work,
            self._parts,
            provider=request.path_params["provider"],
            session_id=session_id,
        )
        user = await get_user(work, work.actor.id)
        identity = held.finished.identity
        pages = self._parts.pages
        assert pages is not None
        return pages.render(
            request,
            "vault/confirm.html",
            form_action=False,  # the submission may end at the app
            provider=held.finished.provider,
            provider_id=held.session.provider,
            account=identity.label or identity.email or identity.subject,
            person=user.email or user.id,
            session=session_id,
        )

    async def answer(self, request: Request, work: Work) -> Response:
        """Take the answer."""
        form = await read_form(request)
        held = await look_at_held(
            work,
            self._parts,
            provider=request.path_params["provider"],
            session_id=form.one("session") or "",
        )
        match form.one("decision"):
            case "connect":
                return see_other(destination(request, await confirm(work, self._parts, held)))
            case "decline":
                return see_other(destination(request, await decline(work, self._parts, held)))
            case _:
                raise InvalidInput(
                    "decision_invalid", "Connect, or do not connect.", field="decision"
                )


def destination(request: Request, return_to: str) -> str:
    """Return where the browser goes; checked when the journey began."""
    if return_to.startswith("/"):
        return page_url(request, quote(return_to, safe="/?&=%#"))
    return quote(return_to, safe=":/?&=%#@[]")
