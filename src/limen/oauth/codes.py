"""Authorization codes: issued once, redeemed once, remembered until a replay can harm no more."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.oauth.model import AuthorizationCode, Redeemed, Replayed
from limen.oauth.store import codes as store

KIND: Final = "lmc"


def new_code(work: Work) -> Secret[str]:
    """Make a code; its row is ``add_code``'s, in the same Work."""
    return mint(KIND, work.tenant_id)


async def find_code(work: Work, *, raw_code: Secret[str]) -> AuthorizationCode | None:
    """Return a code as stored: used and expired ones too, but none that was burnt.

    Spec: a code of another form, or altered in the least, is unknown (N040).
    """
    told = read(raw_code, kind=KIND)
    if told is None or told.tenant_id != work.tenant_id:
        return None
    code = await store.find_code(work, token_hash(raw_code))
    return None if code is None or code.attempts >= store.MAX_ATTEMPTS else code


async def redeem_code(
    work: Work, *, code: AuthorizationCode, kept_until: dt.datetime
) -> Redeemed | Replayed | None:
    """Consume a code, once, whoever asks first; check client, redirect and verifier before.

    Atomic: of any number of concurrent callers one gets ``Redeemed``, the rest ``Replayed``.

    Args:
        work: The transaction that also starts the grant.
        code: As ``find_code`` gave it.
        kept_until: When the access token issued for it expires.

    Returns:
        The code; the grant to end if it was used before; ``None`` if it expired or was burnt,
        or the session it was issued in is over.

    Spec: RFC 6749 section 4.1.2, OAuth 2.1 section 4.1.3 (N031, N032).
    """
    kept = max(kept_until, code.expires_at)
    if await store.redeem_code(work, code.code_hash, kept_until=kept):
        return Redeemed(code)
    used = await store.find_used(work, code.code_hash)
    return None if used is None else Replayed(*used)


async def count_failed_redemption(work: Work, *, code_hash: bytes) -> None:
    """Count an attempt by somebody who has the code and not what belongs to it (N028, N035).

    For ``work.even_if_refused``. The fifth burns the code.
    """
    await store.count_attempt(work, code_hash)
