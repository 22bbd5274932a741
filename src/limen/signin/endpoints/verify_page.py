"""``/verify-email``: the link of the mail, or its code.

Opening the link proves nothing yet: programs that read mail open links. The button does.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.passwords.whose_sign_up import Chosen
from limen.accounts.verify_email import (
    check_verification_link,
    resend_verification,
    verify_email,
    verify_email_by_code,
)
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.signin.continue_url import read_continue
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.parts import Parts
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate

_GUARD = PagesOnly(public("who has the mail has the mailbox; no session is needed to prove it"))


class VerifyPage:
    """Both verbs of the page, and the one that mails again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._page = FormPage(parts.pages, "signin/verify_email.html")

    async def show(self, request: Request, work: Work) -> Response:
        """Show the button of a link that is good, or where to type the code."""
        check_rate(request, "page")
        query = read_query(request)
        context = await self._context(work, query)
        if context["token"]:
            context["contested"] = await check_verification_link(
                work, raw_token=secret_of(query, "token")
            )
        return self._page.show(request, context)

    async def submit(self, request: Request, work: Work) -> Response:
        """Prove the mailbox."""
        check_rate(request, "verify")
        form = await read_form(request)
        context = await self._context(work, form)
        password = form.one("password")
        chosen = Chosen(
            raw_password=None if password is None else Secret(password), hasher=self._parts.hasher
        )
        if "token" in form:
            token = secret_of(form, "token")
            context["contested"] = await check_verification_link(work, raw_token=token)
            self._page.again(request, context)
            await verify_email(work, raw_token=token, chosen=chosen)
        else:
            # Typed once: who is asked for their password besides need not look for it again.
            self._page.again(request, {**context, "code": text_of(form, "code")})
            await verify_email_by_code(
                work,
                works=self._parts.works,
                envelope=self._parts.envelope,
                email=context["email"],
                raw_code=secret_of(form, "code"),
                chosen=chosen,
            )
        return self._parts.pages.render(request, "signin/verified.html", **context)

    async def resend(self, request: Request, work: Work) -> Response:
        """Mail link and code again; the page is the same whoever the address belongs to."""
        check_rate(request, "recover")
        form = await read_form(request)
        context = await self._context(work, form)
        self._page.again(request, context)
        await resend_verification(work, email=context["email"], envelope=self._parts.envelope)
        return self._parts.pages.render(request, "signin/check_mail.html", **context, errors=[])

    async def _context(self, work: Work, params: Params) -> dict[str, Any]:
        raw = text_of(params, "continue")
        known = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        return {
            "token": text_of(params, "token"),
            "email": text_of(params, "email"),
            "code": "",
            "continue_": raw if known else "",
            "contested": False,
        }


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = VerifyPage(parts)
    return [
        route("/verify-email", page.show, guard=_GUARD, face="page"),
        route("/verify-email", page.submit, guard=_GUARD, face="page", methods=["POST"]),
        route("/verify-email/resend", page.resend, guard=_GUARD, face="page", methods=["POST"]),
    ]
