"""``/account``: everything a person has here, on one page."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.portal.overview import read_overview
from limen.portal.parts import Parts
from limen.web.forms import read_query
from limen.web.redirects import page_url, see_other

DONE: Final = {
    "session-ended": "That session is over.",
    "sessions-ended": "You are signed out everywhere else.",
    "consent-withdrawn": "That app has no access any more.",
    "disconnected": "The account is disconnected.",
    "invitation-accepted": "You accepted the invitation.",
    "connection-shared": "The app may use the account now.",
    "sharing-declined": "The app was not given the account.",
    "connection-unshared": "That app uses the account no more.",
    "password-changed": "Your password is changed. You were signed out everywhere else.",
    "two-step-on": "Two-step sign-in is on. You were signed out everywhere else.",
    "two-step-off": "Two-step sign-in is off. You were signed out everywhere else.",
    "recovery-codes-renewed": "Your old recovery codes are useless now.",
    "email-change-asked": "We sent a link to the new address. Open it to confirm the change.",
    "email-changed": "Your e-mail address is changed.",
    "mail-sent": "We sent you the mail again.",
    "connected": "The account is connected.",
    "key-replaced": "The new key is used from now on.",
    "key-taken": "The key is good.",
    "key-refused": "The key is taken no more. Replace it.",
    "identity-linked": "You can sign in with that account too, from now on.",
    "identity-unlinked": "That account signs you in no more.",
    "profile-changed": "Your profile is changed.",
    "api-key-made": "The key works from now on.",
    "api-key-revoked": "That key opens nothing any more.",
}
"""What a page can say happened; the address names one of these, never a text."""


async def show_account(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the page."""
    return parts.pages.render(
        request,
        "portal/account.html",
        overview=await read_overview(work, parts),
        done=DONE.get(read_query(request).first("done") or "", ""),
    )


def back_to_account(request: Request, *, done: str) -> Response:
    """Return to the page, which says what happened."""
    return see_other(page_url(request, "/account", done=done))
