"""The development mailbox in the browser: ``/dev/mail``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.mail import store
from limen.mail.message import OutgoingMail
from limen.web.development import DevelopmentOnly
from limen.web.exchange import route
from limen.web.pages import Pages

_LINK: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the mailbox needs.

    Args:
        pages: Renders.
        base_url: The configured address; no other host is answered.
    """

    pages: Pages
    base_url: str


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes; mounted in development alone."""
    guard = DevelopmentOnly(parts.base_url)

    async def show_mailbox(request: Request, work: Work) -> Response:
        mails = await store.list_mail(work, recipient=request.query_params.get("to", ""))
        return parts.pages.render(request, "mail/mailbox.html", mails=mails)

    async def show_mail(request: Request, work: Work) -> Response:
        mail = await store.find_mail(work, request.path_params["mail_id"])
        if mail is None:
            raise NotFound
        return parts.pages.render(request, "mail/mail.html", mail=mail, links=links_in(mail.text))

    async def list_mail(request: Request, work: Work) -> Response:
        mails = await store.list_mail(work, recipient=request.query_params.get("to", ""))
        return JSONResponse({"mails": [_as_json(mail) for mail in mails]})

    return [
        route("/dev/mail", show_mailbox, guard=guard, face="page"),
        route("/dev/mail.json", list_mail, guard=guard, face="json"),
        route("/dev/mail/{mail_id}", show_mail, guard=guard, face="page"),
    ]


def links_in(text: str) -> list[str]:
    """Return the links of a mail, in order, each once."""
    return list(dict.fromkeys(_LINK.findall(text)))


def _as_json(mail: OutgoingMail) -> dict[str, object]:
    return {
        "id": mail.id,
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "links": links_in(mail.text),
        "sent_at": mail.written_at.isoformat(),
    }
