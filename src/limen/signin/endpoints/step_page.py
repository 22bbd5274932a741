"""``/sign-in/step``: one page for each step between a proven password and the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.verify_email import resend_verification
from limen.db.work import Work
from limen.kernel.errors import MalformedRequest, NotAuthenticated, ReauthenticationRequired
from limen.kernel.secret import Secret
from limen.mfa.qr import svg_of
from limen.protocol.params import Params
from limen.signin import known_device
from limen.signin.continue_url import OWN_PAGES, read_continue, sign_continue
from limen.signin.endpoints import browser
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.endpoints.lead_on import PATH, lead_on, step_path
from limen.signin.journey import STEP_NAMES, Step
from limen.signin.parts import Parts
from limen.signin.steps.enter import go_on
from limen.signin.steps.take_step import (
    Passed,
    Reply,
    Shown,
    current_step,
    show_step,
    take_step,
)
from limen.signin.steps.underway import Underway
from limen.signin.steps.waiting import find_underway
from limen.tenants import policy_of
from limen.web import cookies
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_GUARD: Final = PagesOnly(public("a cookie names who is on the way in, and opens nothing else"))
_MORE: Final = frozenset({"second_factor", "enrol_factor"})
"""What a client may need besides what the tenant demands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a browser stands.

    Args:
        raw: ``continue`` as sent, if it was signed.
        path: Where it leads.
        more: What a client needs besides.
    """

    raw: str
    path: str
    more: str

    @property
    def query(self) -> dict[str, str]:
        """What every link and form of the step carries on."""
        named = {"continue": self.raw, "step": self.more}
        return {name: value for name, value in named.items() if value}


class StepPage:
    """Shows the step that comes next, and takes what is given for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def show(self, request: Request, work: Work) -> Response:
        """Show the next step; or go on, if none is left."""
        check_rate(request, "page")
        place = await self._place(request, work, read_query(request))
        underway = await self._underway(request, work, place)
        if underway is None:
            return see_other(page_url(request, "/sign-in", **{"continue": place.raw}))
        step = await current_step(work, underway=underway)
        if step is None:
            outcome = await go_on(work, underway=underway)
            return await lead_on(request, work, outcome=outcome, path=place.path, parts=self._parts)
        try:
            shown = await show_step(work, underway=underway, step=step, door=self._parts.door)
        except ReauthenticationRequired:
            return see_other(await self._sign_in_again(request, work, place))
        return self._page(step).show(request, self._context(work, place, shown))

    async def submit(self, request: Request, work: Work) -> Response:
        """Pass the step that the form was for."""
        form = await read_form(request)
        place = await self._place(request, work, form)
        if "cancel" in form:
            return self._cancelled(request, place)
        check_rate(request, "login")
        step = _step_of(form)
        underway = await self._underway(request, work, place)
        if underway is None:
            return see_other(page_url(request, "/sign-in", **{"continue": place.raw}))
        if await current_step(work, underway=underway) != step:  # another tab was first
            return see_other(step_path(work.site, place.query))
        shown = await show_step(
            work,
            underway=underway,
            step=step,
            door=self._parts.door,
            factor_id=text_of(form, "factor"),
        )
        self._page(step).again(request, self._context(work, place, shown))
        passed = await take_step(
            work,
            underway=underway,
            step=step,
            reply=_reply(request, form),
            door=self._parts.door,
        )
        return await self._passed(request, work, passed=passed, place=place)

    async def mail_again(self, request: Request, work: Work) -> Response:
        """Mail the link that verifies the address once more."""
        check_rate(request, "recover")
        place = await self._place(request, work, await read_form(request))
        underway = await self._underway(request, work, place)
        if underway is not None:
            shown = await show_step(
                work, underway=underway, step="verify_email", door=self._parts.door
            )
            await resend_verification(work, email=shown.email, envelope=self._parts.envelope)
        return see_other(step_path(work.site, place.query))

    async def _passed(
        self, request: Request, work: Work, *, passed: Passed, place: _Place
    ) -> Response:
        on = await lead_on(
            request, work, outcome=passed.outcome, path=place.path, parts=self._parts
        )
        if not passed.raw_recovery_codes:
            return on
        # They are shown this once, before the browser goes where it was going.
        page = self._parts.pages.render(
            request,
            "signin/recovery_codes.html",
            codes=[code.reveal() for code in passed.raw_recovery_codes],
            next_url=on.headers["location"],
        )
        for cookie in on.headers.getlist("set-cookie"):
            page.headers.append("set-cookie", cookie)
        return page

    async def _place(self, request: Request, work: Work, params: Params) -> _Place:
        raw = text_of(params, "continue")
        path = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        more = text_of(params, "more") or text_of(params, "step")
        return _Place(
            raw=raw if path else "",
            path=path or page_url(request, "/account"),
            more=more if more in _MORE else "",
        )

    async def _underway(self, request: Request, work: Work, place: _Place) -> Underway | None:
        """Return whom the cookie names; else whoever is signed in, who may have steps to pass."""
        value = cookies.read(request, browser.STEP_COOKIE)
        if value is not None:
            try:
                return await find_underway(work, raw_token=Secret(value))
            except NotAuthenticated:
                pass  # it took too long, or is done in another tab
        actor = await authenticate(request, work)
        if actor.kind != "user" or actor.scope is not None:
            return None
        return Underway(
            user_id=actor.id,
            amr=actor.amr,
            session_id=actor.session_id,
            is_in=True,
            authenticated_at=actor.authenticated_at,
            needs_factor=bool(place.more),
        )

    async def _sign_in_again(self, request: Request, work: Work, place: _Place) -> str:
        back = await sign_continue(
            work, envelope=self._parts.envelope, path=step_path(work.site, place.query)
        )
        return page_url(request, "/sign-in", reauth="1", **{"continue": back})

    def _cancelled(self, request: Request, place: _Place) -> Response:
        if place.raw and place.raw not in OWN_PAGES:
            joint = "&" if "?" in place.path else "?"
            response = see_other(f"{place.path}{joint}{urlencode({'cancelled': '1'})}")
        else:
            response = see_other(page_url(request, "/sign-in"))
        browser.forget_step(response, request)
        return response

    def _page(self, step: Step) -> FormPage:
        return FormPage(self._parts.pages, f"signin/steps/{step}.html", form_action=False)

    def _context(self, work: Work, place: _Place, shown: Shown) -> Mapping[str, Any]:
        policy = policy_of(work)
        enrolment = shown.enrolment
        return {
            "continue_": place.raw,
            "more": place.more,
            "step": shown.step,
            "email": shown.email,
            "terms": policy.assurance.terms,
            "min_length": policy.password_min_length,
            "factor_id": "" if enrolment is None else enrolment.factor_id,
            "secret": "" if enrolment is None else _grouped(enrolment.raw_secret),
            "qr": "" if enrolment is None else svg_of(enrolment.raw_uri.reveal()),
        }


def _step_of(form: Params) -> Step:
    named = form.required("passing")
    if named not in STEP_NAMES:
        raise MalformedRequest("step_unknown", "There is no such step.")
    return named


def _reply(request: Request, form: Params) -> Reply:
    return Reply(
        raw_code=secret_of(form, "code"),
        raw_password=secret_of(form, "password"),
        terms_version=text_of(form, "version"),
        factor_id=text_of(form, "factor"),
        device=cookies.read(request, known_device.COOKIE),
    )


def _grouped(raw: Secret[str]) -> str:
    """Return a secret in groups of four, as people type it."""
    value = raw.reveal()
    return " ".join(value[at : at + 4] for at in range(0, len(value), 4))


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = StepPage(parts)
    return [
        route(PATH, page.show, guard=_GUARD, face="page"),
        route(PATH, page.submit, guard=_GUARD, face="page", methods=["POST"]),
        route(f"{PATH}/mail", page.mail_again, guard=_GUARD, face="page", methods=["POST"]),
    ]
