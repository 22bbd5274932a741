"""Authorization codes: issued once, redeemed once, remembered until a replay can harm no more."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.oauth.model import AuthorizationCode
from limen.oauth.store import codes as store

KIND: Final = "lmc"


def new_code(work: Work) -> Secret[str]:
    """Make a code; its row is ``add_code``'s, in the same Work."""
    return mint(KIND, work.tenant_id)


async def redeem_code(work: Work, *, raw_code: Secret[str]) -> AuthorizationCode | None:
    """Consume a code and return it, once, whoever asks first.

    One statement: of any number of concurrent callers one gets it. Whether it was presented by
    whoever it is for is checked afterwards; a refusal rolls this back.

    Args:
        work: The transaction that also starts the grant.
        raw_code: As received.

    Returns:
        The code; ``None`` if it is unknown, used, expired or burnt, or the session it was issued
        in is over: ``find_code`` tells which.

    Spec: RFC 6749 section 4.1.2, OAuth 2.1 section 4.1.3 (N031, N032).
    """
    if not _is_of(work, raw_code):
        return None
    return await store.redeem_code(work, token_hash(raw_code))


async def find_code(work: Work, *, raw_code: Secret[str]) -> AuthorizationCode | None:
    """Return a code as stored: used and expired ones too, but none that was burnt.

    Spec: a code of another form, or altered in the least, is unknown (N040).
    """
    if not _is_of(work, raw_code):
        return None
    code = await store.find_code(work, token_hash(raw_code))
    return None if code is None or code.attempts >= store.MAX_ATTEMPTS else code


def _is_of(work: Work, raw_code: Secret[str]) -> bool:
    told = read(raw_code, kind=KIND)
    return told is not None and told.tenant_id == work.tenant_id


async def count_failed_redemption(work: Work, *, code_hash: bytes) -> None:
    """Count an attempt by somebody who has the code and not what belongs to it (N028, N035).

    For ``work.even_if_refused``. The fifth burns the code.
    """
    await store.count_attempt(work, code_hash)
