"""Authorization codes in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.types import Beside, Moment
from limen.db.work import Work
from limen.oauth.model import AuthorizationCode
from limen.oauth.tables import clients, codes
from limen.sessions.listing import end_of_live, hold_live

MAX_ATTEMPTS: Final = 5

_THIS: Final = (
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.code_hash == bindparam("hash"),
)
_ADD: Final = sa.insert(codes)
_CLIENT_VERSION: Final = (
    sa.select(clients.c.version)
    .where(clients.c.tenant_id == bindparam("tenant_id"), clients.c.client_id == codes.c.client_id)
    .correlate(codes)
    .scalar_subquery()
)
_WHOLE: Final = (
    *codes.c,
    Beside(_CLIENT_VERSION).label("client_version"),
    Beside(end_of_live(codes.c.session_id).correlate(codes)).label("session_ends_at"),
)
_FIND: Final = sa.select(*_WHOLE).where(*_THIS)
_REDEEM: Final = (
    sa.update(codes)
    .where(
        *_THIS,
        codes.c.used_at.is_(None),
        codes.c.expires_at > bindparam("at", type_=Moment()),
        codes.c.attempts < MAX_ATTEMPTS,
        # Who signed out while we looked gets nothing more (N038).
        hold_live(codes.c.session_id).is_not(None),
    )
    .values(used_at=bindparam("new_used_at"))
    .returning(*_WHOLE)
)
_GRANTS_OF_SESSION: Final = sa.select(codes.c.grant_id).where(
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.session_id == bindparam("session"),
    codes.c.used_at.is_not(None),
)
# A used code does not count: its attempts say nothing and its row must stay a witness.
_COUNT: Final = (
    sa.update(codes)
    .where(*_THIS, codes.c.used_at.is_(None), codes.c.attempts < MAX_ATTEMPTS)
    .values(attempts=codes.c.attempts + 1)
)
_DROP_OF_CONSENT: Final = sa.delete(codes).where(
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.user_id == bindparam("user"),
    codes.c.client_id == bindparam("client"),
    codes.c.used_at.is_(None),
)
_DROP_OF_USER: Final = sa.delete(codes).where(
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.user_id == bindparam("user"),
    codes.c.used_at.is_(None),
)
_DROP_OF_CLIENT: Final = sa.delete(codes).where(
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.client_id == bindparam("client"),
    codes.c.used_at.is_(None),
)
_SWEEP: Final = sa.delete(codes).where(
    codes.c.tenant_id == bindparam("tenant_id"),
    codes.c.kept_until <= bindparam("at", type_=Moment()),
)


async def add_code(work: Work, code: AuthorizationCode) -> None:
    """Insert a code just issued."""
    await work.execute(
        _ADD,
        code_hash=code.code_hash,
        grant_id=code.grant_id,
        client_id=code.client_id,
        user_id=code.user_id,
        session_id=code.session_id,
        subject=code.subject,
        scope=list(code.scope),
        resource=code.resource,
        redirect_uri=code.redirect_uri,
        redirect_uri_sent=code.redirect_uri_sent,
        code_challenge=code.code_challenge,
        dpop_jkt=code.dpop_jkt,
        nonce=code.nonce,
        claims=dict(code.claims),
        authorization_details=list(code.authorization_details),
        acr=code.acr,
        amr=list(code.amr),
        authenticated_at=code.authenticated_at,
        attempts=0,
        created_at=work.now,
        expires_at=code.expires_at,
        used_at=None,
        kept_until=code.kept_until,
    )


async def find_code(work: Work, code_hash: bytes) -> AuthorizationCode | None:
    """Return a code in whatever state it is, with its client's version."""
    row = (await work.execute(_FIND, hash=code_hash, now=work.now)).first()
    return None if row is None else _code(row)


async def redeem_code(work: Work, code_hash: bytes) -> AuthorizationCode | None:
    """Mark a code used and return it, to one caller only."""
    row = await take(work, _REDEEM, hash=code_hash, at=work.now, now=work.now, new_used_at=work.now)
    return None if row is None else _code(row)


async def grants_of_session(work: Work, session_id: str) -> list[str]:
    """Return the grants that codes issued in a session were redeemed for, while those are kept."""
    rows = await work.execute(_GRANTS_OF_SESSION, session=session_id)
    return [row.grant_id for row in rows.all()]


async def count_attempt(work: Work, code_hash: bytes) -> None:
    """Count a failed redemption of an unused code."""
    await work.execute(_COUNT, hash=code_hash)


async def drop_codes_of_consent(work: Work, *, user_id: str, client_id: str) -> None:
    """Delete what a user's client could still redeem."""
    await work.execute(_DROP_OF_CONSENT, user=user_id, client=client_id)


async def drop_codes_of_user(work: Work, user_id: str) -> None:
    """Delete all that clients could still redeem for a user."""
    await work.execute(_DROP_OF_USER, user=user_id)


async def drop_codes_of_client(work: Work, client_id: str) -> None:
    """Delete all that a client could still redeem."""
    await work.execute(_DROP_OF_CLIENT, client=client_id)


async def sweep_codes(work: Work) -> int:
    """Delete codes that nobody needs to recognise any more."""
    return (await work.execute(_SWEEP, at=work.now)).count


def _code(row: Row) -> AuthorizationCode:
    return AuthorizationCode(
        code_hash=bytes(row.code_hash),
        grant_id=row.grant_id,
        client_id=row.client_id,
        client_version=row.client_version,
        user_id=row.user_id,
        subject=row.subject,
        session_id=row.session_id,
        scope=tuple(row.scope),
        resource=row.resource,
        redirect_uri=row.redirect_uri,
        redirect_uri_sent=row.redirect_uri_sent,
        code_challenge=row.code_challenge,
        dpop_jkt=row.dpop_jkt,
        nonce=row.nonce,
        claims=row.claims,
        authorization_details=tuple(row.authorization_details),
        acr=row.acr,
        amr=tuple(row.amr),
        authenticated_at=row.authenticated_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        attempts=row.attempts,
        kept_until=row.kept_until,
        session_ends_at=row.session_ends_at,
    )
