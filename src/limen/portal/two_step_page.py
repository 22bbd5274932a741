"""``/account/two-step``: a second factor, set up, renewed or removed after a recent sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.kernel.errors import ReauthenticationRequired
from limen.kernel.secret import Secret
from limen.mfa.enrol_totp import Enrolment, look_at_enrolment
from limen.mfa.factors import check_may_change_factors, factors_of
from limen.mfa.manage import confirm_own, enrol_own, remove_own, renew_recovery_codes
from limen.mfa.qr import svg_of
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.endpoints.mfa_api import renew_cookie
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

PATH = "/account/two-step"


async def show_two_step(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show what there is, or how to set it up; or ask for a recent sign-in first."""
    check_rate(request, "page")
    try:
        await check_may_change_factors(work)
    except ReauthenticationRequired:
        return _sign_in_again(request)
    found = await factors_of(work, work.actor.id)
    if found.totp_since is not None:
        return parts.pages.render(request, "portal/two_step.html", factors=found)
    begun = await enrol_own(work, envelope=parts.door.envelope)
    return _page(parts).show(request, _context(begun))


async def confirm(request: Request, work: Work, *, parts: Parts) -> Response:
    """Turn it on with the app's first code; the recovery codes are shown this once."""
    check_rate(request, "login")
    form = await read_form(request)
    factor_id, envelope = text_of(form, "factor"), parts.door.envelope
    shown = await look_at_enrolment(
        work, envelope=envelope, user_id=work.actor.id, factor_id=factor_id
    )
    _page(parts).again(request, _context(shown))
    started, codes = await confirm_own(
        work, envelope=envelope, factor_id=factor_id, raw_code=secret_of(form, "code")
    )
    response = _codes(request, codes, parts=parts, done="two-step-on")
    renew_cookie(response, request, started=started, work=work)
    return response


async def renew_codes(request: Request, work: Work, *, parts: Parts) -> Response:
    """Replace the recovery codes, and show them this once."""
    try:
        codes = await renew_recovery_codes(work, envelope=parts.door.envelope)
    except ReauthenticationRequired:  # nothing was written yet
        return _sign_in_again(request)
    return _codes(request, codes, parts=parts, done="recovery-codes-renewed")


async def remove(request: Request, work: Work, *, parts: Parts) -> Response:
    """Turn it off."""
    try:
        await remove_own(work, envelope=parts.door.envelope)
    except ReauthenticationRequired:  # nothing was written yet
        return _sign_in_again(request)
    return back_to_account(request, done="two-step-off")


def _sign_in_again(request: Request) -> Response:
    return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": PATH}))


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/enrol.html")


def _codes(
    request: Request, codes: tuple[Secret[str], ...], *, parts: Parts, done: str
) -> Response:
    return parts.pages.render(
        request,
        "signin/recovery_codes.html",
        codes=[code.reveal() for code in codes],
        next_url=page_url(request, "/account", done=done),
    )


def _context(enrolment: Enrolment) -> Mapping[str, Any]:
    bare = enrolment.raw_secret.reveal()
    return {
        "factor_id": enrolment.factor_id,
        "secret": " ".join(bare[at : at + 4] for at in range(0, len(bare), 4)),
        "qr": svg_of(enrolment.raw_uri.reveal()),
    }
