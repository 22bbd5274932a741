"""The ways between the authorization endpoint, sign-in and consent: URLs on our own site."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlencode

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.authorization.asked import AskConsent, Asked, Missing, ShowSignIn, StepUp
from limen.signin.continue_url import sign_continue
from limen.signin.endpoints.lead_on import step_url

CONTINUE_PATH: Final = "/oauth2/authorize/continue"
CONSENT_PATH: Final = "/consent"


async def sign_in_url(
    work: Work, *, envelope: Envelope, raw_handle: Secret[str], asked: Asked, again: bool
) -> str:
    """Return where somebody signs in, or up, and comes back to this interaction.

    Everything beside the signed ``continue`` only makes the page nicer and decides nothing:
    who comes back is looked at anew.

    Args:
        work: Tells the tenant; signs with its key.
        envelope: Derives the key.
        raw_handle: Of the interaction.
        asked: What was asked for; its hints are passed on.
        again: A session is there and does not do: the form must be shown all the same.
    """
    back = _with_handle(work.site, CONTINUE_PATH, raw_handle)
    query = {"continue": await sign_continue(work, envelope=envelope, path=back)}
    request = asked.request
    if again or "select_account" in request.prompt:
        query["reauth"] = "1"
    if request.login_hint is not None:
        query["login_hint"] = request.login_hint
    if request.ui_locales:
        query["ui_locales"] = " ".join(request.ui_locales)
    page = "/sign-up" if "create" in request.prompt else "/sign-in"
    return f"{work.site.path}{page}?{urlencode(query)}"


async def way_on(
    work: Work, *, envelope: Envelope, raw_handle: Secret[str], missing: Missing
) -> str:
    """Return the page that comes next; each leads back to this interaction."""
    back = _with_handle(work.site, CONTINUE_PATH, raw_handle)
    match missing:
        case ShowSignIn(asked=asked, again=again):
            return await sign_in_url(
                work, envelope=envelope, raw_handle=raw_handle, asked=asked, again=again
            )
        case StepUp(step=step):
            return await step_url(work, envelope=envelope, path=back, step=step)
        case AskConsent():
            return _with_handle(work.site, CONSENT_PATH, raw_handle)


def handle_in(site: Site, path: str) -> Secret[str] | None:
    """Return whose way on a path of ours is, if it leads back to an interaction."""
    start = f"{site.path}{CONTINUE_PATH}?interaction="
    return Secret(unquote(path.removeprefix(start))) if path.startswith(start) else None


def _with_handle(site: Site, path: str, raw_handle: Secret[str]) -> str:
    return f"{site.path}{path}?{urlencode({'interaction': raw_handle.reveal()})}"
