"""What the forms of the account page do; each calls the use case its JSON twin calls."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from limen.accounts.verify_email import send_verification
from limen.db.work import Work
from limen.kernel.errors import NotFound, ReauthenticationRequired
from limen.oauth.consent import withdraw_consent
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.sessions.revoke import revoke, revoke_all
from limen.signin.provider.link import unlink
from limen.vault.disconnect import disconnect
from limen.web.forms import read_form
from limen.web.redirects import page_url, see_other


async def end_session(request: Request, work: Work, *, parts: Parts) -> Response:
    """End one of one's sessions; ending this one is signing out, which asks first."""
    del parts
    session_id = await _named(request, "session")
    if session_id == work.actor.session_id:
        return see_other(page_url(request, "/sign-out"))
    await revoke(work, session_id=session_id, user_id=work.actor.id, reason="revoked")
    return back_to_account(request, done="session-ended")


async def end_other_sessions(request: Request, work: Work, *, parts: Parts) -> Response:
    """End every session but this one."""
    del parts
    await revoke_all(work, user_id=work.actor.id, except_id=work.actor.session_id or None)
    return back_to_account(request, done="sessions-ended")


async def withdraw(request: Request, work: Work, *, parts: Parts) -> Response:
    """Take a consent back; the app's tokens end."""
    del parts
    consent_id = await _named(request, "consent")
    await withdraw_consent(work, user_id=work.actor.id, consent_id=consent_id)
    return back_to_account(request, done="consent-withdrawn")


async def end_connection(request: Request, work: Work, *, parts: Parts) -> Response:
    """Disconnect an account at a provider."""
    connection_id = await _named(request, "connection")
    if parts.vault is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    await disconnect(work, parts.vault, connection_id=connection_id, user_id=work.actor.id)
    return back_to_account(request, done="disconnected")


async def unlink_identity(request: Request, work: Work, *, parts: Parts) -> Response:
    """Sign in with an account elsewhere no more; takes a recent sign-in."""
    del parts
    name = await _named(request, "identity")
    try:
        await unlink(work, user_id=work.actor.id, name=name)
    except ReauthenticationRequired:  # nothing was written yet
        return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": "/account"}))
    return back_to_account(request, done="identity-unlinked")


async def mail_again(request: Request, work: Work, *, parts: Parts) -> Response:
    """Mail the link that verifies one's address again."""
    await send_verification(work, user_id=work.actor.id, envelope=parts.door.envelope)
    return back_to_account(request, done="mail-sent")


async def _named(request: Request, field: str) -> str:
    return (await read_form(request)).required(field)
