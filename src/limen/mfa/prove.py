"""Prove a second factor with a code; the code is spent."""

from __future__ import annotations

from functools import partial
from typing import Final

from limen.accounts.directory import get_user
from limen.accounts.links.mail_link import mail_notice
from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.kernel.errors import NotAuthenticated
from limen.kernel.secret import Secret
from limen.mfa import store
from limen.mfa.events import FactorProven, FactorRefused, Method
from limen.mfa.recovery_codes import read_recovery_code, redeem_recovery_code
from limen.mfa.store import Totp
from limen.mfa.totp import matching_step, read_code
from limen.web.languages.words import marked

_SPENT: Final = marked("A recovery code was used to sign in.")

TWO: Final = "mfa"
AMR: Final = ("otp", TWO)
"""What a proven code adds to ``amr`` (RFC 8176): a one-time password, and that there are two."""


async def prove_second_factor(
    work: Work, *, envelope: Envelope, user_id: str, raw_code: Secret[str]
) -> tuple[str, ...]:
    """Check a code of the authenticator app, or a recovery code, and spend it.

    A time step, and every one before it, is good once, on every node (N166, N256); what was
    spent stays so if the request is refused for something else. Count the attempt before
    calling this: six digits are soon guessed.

    Args:
        work: Nothing slow after this.
        envelope: Opens the secret, keys the hash of recovery codes.
        user_id: Whose.
        raw_code: As typed.

    Returns:
        What it adds to ``amr``.

    Raises:
        NotAuthenticated: ``code_invalid``: wrong, too old, or used before.
    """
    method: Method = "totp" if read_recovery_code(raw_code) is None else "recovery_code"
    if method == "totp":
        is_right = await _redeem_totp(work, envelope, user_id=user_id, raw_code=raw_code)
    else:
        is_right = await _redeem_recovery(work, envelope, user_id=user_id, raw_code=raw_code)
    if not is_right:
        refused = FactorRefused(user_id=user_id, method=method)
        work.even_if_refused(partial(Work.record, event=refused))
        raise wrong_code()
    await work.record(FactorProven(user_id=user_id, method=method))
    return AMR


def wrong_code() -> NotAuthenticated:
    """Return the one refusal of every code that does not do."""
    text = "This code is not right, or was used before. Wait for the next one."
    return NotAuthenticated("code_invalid", text, field="code")


async def open_secret(work: Work, envelope: Envelope, found: Totp) -> Secret[bytes]:
    """Return the secret of an authenticator."""
    return await envelope.open(work, place_of(found.id), found.sealed_secret)


def place_of(factor_id: str) -> Place:
    """Return where the secret of a factor is sealed for."""
    return Place("mfa_factor", factor_id, "secret")


async def _redeem_totp(
    work: Work, envelope: Envelope, *, user_id: str, raw_code: Secret[str]
) -> bool:
    code, found = read_code(raw_code), await store.find_totp(work, user_id)
    if code is None or found is None or found.confirmed_at is None:
        return False
    step = matching_step(await open_secret(work, envelope, found), code, now=work.now)
    if step is None or not await store.take_step(work, user_id, factor_id=found.id, step=step):
        return False

    async def keep(keeping: Work) -> None:
        await store.take_step(keeping, user_id, factor_id=found.id, step=step)

    work.even_if_refused(keep)
    return True


async def _redeem_recovery(
    work: Work, envelope: Envelope, *, user_id: str, raw_code: Secret[str]
) -> bool:
    if not await store.has_factor(work, user_id):
        return False
    if not await redeem_recovery_code(work, envelope=envelope, user_id=user_id, raw_code=raw_code):
        return False

    async def keep(keeping: Work) -> None:
        await redeem_recovery_code(keeping, envelope=envelope, user_id=user_id, raw_code=raw_code)

    work.even_if_refused(keep)
    await tell(
        work, envelope, user_id=user_id, what=_SPENT, left=await store.count_codes(work, user_id)
    )
    return True


async def tell(
    work: Work, envelope: Envelope, *, user_id: str, what: str, left: int | None = None
) -> None:
    """Mail a person that something about their second step changed (N269).

    Args:
        work: The transaction.
        envelope: Seals the mail.
        user_id: Whom.
        what: Marked for translation.
        left: How many recovery codes they have still, where that is of interest.
    """
    user = await get_user(work, user_id)
    context = {"what": what, "link": f"{work.site.issuer}/account"}
    if left is not None:
        context["left"] = str(left)
    await mail_notice(
        work, envelope=envelope, user=user, template="two_step_changed", context=context
    )
