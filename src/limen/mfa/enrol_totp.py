"""Enrol an authenticator app: show its secret, then hear a code of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.accounts.directory import get_user
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.mfa import store
from limen.mfa.events import FactorEnrolled
from limen.mfa.prove import open_secret, place_of, tell
from limen.mfa.recovery_codes import issue_recovery_codes
from limen.mfa.totp import base32, matching_step, new_secret, provisioning_uri, read_code
from limen.tenants import display_name
from limen.web.languages.words import marked

TTL: Final = dt.timedelta(minutes=15)
"""For so long a secret that was shown waits for its first code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an authenticator app needs; shown to the person and to nobody else.

    Args:
        factor_id: Comes back with the code, so that nobody confirms a secret they were not shown.
        raw_secret: Base32, for who can't scan.
        raw_uri: The ``otpauth`` URI.
    """

    factor_id: str
    raw_secret: Secret[str]
    raw_uri: Secret[str]


async def begin_enrolment(work: Work, *, envelope: Envelope, user_id: str) -> Enrolment:
    """Make a secret that counts for nothing until a code of it came; an earlier one is gone.

    Raises:
        Conflict: ``factor_exists``: remove the one there is first.
    """
    factor_id, secret = new_id(work.now), new_secret()
    sealed = await envelope.seal(work, place_of(factor_id), secret.reveal())
    if not await store.put_totp(work, user_id, factor_id=factor_id, sealed_secret=sealed):
        raise _exists()
    return await _shown(work, user_id=user_id, factor_id=factor_id, secret=secret)


async def look_at_enrolment(
    work: Work, *, envelope: Envelope, user_id: str, factor_id: str
) -> Enrolment:
    """Return once more what was begun, to who was shown it.

    Raises:
        Conflict: ``enrolment_over``, ``factor_exists``.
    """
    secret = await _pending(work, envelope, user_id=user_id, factor_id=factor_id)
    return await _shown(work, user_id=user_id, factor_id=factor_id, secret=secret)


async def confirm_enrolment(
    work: Work, *, envelope: Envelope, user_id: str, factor_id: str, raw_code: Secret[str]
) -> tuple[Secret[str], ...]:
    """Take the first code: from now on the person has a second factor.

    Atomic: of any number of concurrent callers one enrols. The code is spent.

    Returns:
        The recovery codes, to be shown once.

    Raises:
        InvalidInput: ``code_invalid``.
        Conflict: ``enrolment_over``: begun anew elsewhere, or too long ago; ``factor_exists``.
    """
    secret = await _pending(work, envelope, user_id=user_id, factor_id=factor_id)
    code = read_code(raw_code)
    step = None if code is None else matching_step(secret, code, now=work.now)
    if step is None:
        text = "This is not the code the app shows now. Check the time of your device."
        raise InvalidInput("code_invalid", text, field="code")
    if not await store.take_confirmation(work, user_id, factor_id=factor_id, step=step):
        raise _over()
    codes = await issue_recovery_codes(work, envelope=envelope, user_id=user_id)
    await work.record(FactorEnrolled(user_id=user_id, kind=store.TOTP))
    what = marked("Two-step sign-in was turned on.")
    await tell(work, envelope, user_id=user_id, what=what)
    return codes


async def _pending(
    work: Work, envelope: Envelope, *, user_id: str, factor_id: str
) -> Secret[bytes]:
    found = await store.find_totp(work, user_id)
    if found is not None and found.confirmed_at is not None:
        raise _exists()
    if found is None or found.id != factor_id or work.now - found.created_at > TTL:
        raise _over()
    return await open_secret(work, envelope, found)


async def _shown(work: Work, *, user_id: str, factor_id: str, secret: Secret[bytes]) -> Enrolment:
    user = await get_user(work, user_id)
    uri = provisioning_uri(secret, issuer=display_name(work), account=user.email or user.id)
    return Enrolment(factor_id=factor_id, raw_secret=Secret(base32(secret)), raw_uri=Secret(uri))


def _exists() -> Conflict:
    text = "You have an authenticator app already. Remove it before you add another."
    return Conflict("factor_exists", text)


def _over() -> Conflict:
    return Conflict("enrolment_over", "This took too long, or was begun anew. Start again.")
