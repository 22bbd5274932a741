"""``/api/v1/auth/verify-email`` and ``email/change``: prove a mailbox, take another."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from limen.access.require import check_first_party, public, signed_in
from limen.accounts.change_email import ask_to_change_email, confirm_email_change
from limen.accounts.passwords.whose_sign_up import Chosen
from limen.accounts.user import User
from limen.accounts.verify_email import resend_verification, verify_email, verify_email_by_code
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.signin.endpoints import browser, schemas
from limen.signin.parts import Parts
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_BY_MAIL = public("who has the mail has the mailbox; no session is needed to prove it")


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth", tags=["auth"])
    origin = Depends(browser.check_origin)

    @router.post("/verify-email", dependencies=[_BY_MAIL, origin, Depends(limit("verify"))])
    async def verify(work: CurrentWork, body: schemas.VerifyEmailBody) -> schemas.VerifiedEmail:
        """Take the link's token, or the code; once."""
        user = await _verify(work, parts, body)
        return schemas.VerifiedEmail(email=user.email, email_verified=user.is_verified)

    @router.post("/email/change", dependencies=[signed_in(), origin, Depends(limit("recover"))])
    async def ask_to_change(work: CurrentWork, body: schemas.EmailBody) -> schemas.Accepted:
        """Mail a link to another address of one's own; takes a recent sign-in."""
        check_first_party(work)
        await ask_to_change_email(work, email=body.email, envelope=parts.envelope)
        return schemas.Accepted()

    @router.post(
        "/email/change/confirm", dependencies=[signed_in(), origin, Depends(limit("verify"))]
    )
    async def change(work: CurrentWork, body: schemas.ConfirmEmailBody) -> schemas.VerifiedEmail:
        """Take the link's token, in a session of whoever asked; once."""
        check_first_party(work)
        token = schemas.revealed(body.token)
        user = await confirm_email_change(work, raw_token=token, envelope=parts.envelope)
        return schemas.VerifiedEmail(email=user.email, email_verified=user.is_verified)

    @router.post("/verify-email/resend", dependencies=[_BY_MAIL, origin, Depends(limit("recover"))])
    async def resend(work: CurrentWork, body: schemas.EmailBody) -> schemas.Accepted:
        """Mail link and code again, if the address waits for them."""
        await resend_verification(work, email=body.email, envelope=parts.envelope)
        return schemas.Accepted()

    return router


async def _verify(work: Work, parts: Parts, body: schemas.VerifyEmailBody) -> User:
    password = None if body.password is None else schemas.revealed(body.password)
    chosen = Chosen(raw_password=password, hasher=parts.hasher)
    if body.token is not None:
        return await verify_email(work, raw_token=schemas.revealed(body.token), chosen=chosen)
    if body.email is None or body.code is None:
        raise InvalidInput("token_or_code", "Send token, or email and code.", field="token")
    return await verify_email_by_code(
        work,
        works=parts.works,
        envelope=parts.envelope,
        email=body.email,
        raw_code=schemas.revealed(body.code),
        chosen=chosen,
    )
