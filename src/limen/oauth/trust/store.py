"""Trusted issuers and the subjects they name, in SQL."""

from __future__ import annotations

from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.oauth.tables import trusted_issuers, trusted_subjects
from limen.oauth.trust.issuer import LinkedSubject, Trust, TrustedIssuer

_i, _s = trusted_issuers.c, trusted_subjects.c
_COLUMNS: Final = (_i.id, _i.issuer, _i.trust)
_TENANT: Final = _i.tenant_id == bindparam("tenant_id")
_THIS: Final = (_TENANT, _i.id == bindparam("issuer_id"))
_BY_ISSUER: Final = sa.select(*_COLUMNS).where(_TENANT, _i.issuer == bindparam("of_issuer"))
_FIND: Final = sa.select(*_COLUMNS).where(*_THIS)
_LIST: Final = (
    sa.select(*_COLUMNS)
    .where(_TENANT, _i.id > bindparam("after"))
    .order_by(_i.id)
    .limit(bindparam("most", type_=sa.Integer))
)
_ADD: Final = insert_or_nothing(
    trusted_issuers, conflict=("tenant_id", "issuer"), returning=(_i.id,)
)
_CHANGE: Final = (
    sa.update(trusted_issuers)
    .where(*_THIS)
    .values(trust=bindparam("new_trust"), updated_at=bindparam("new_updated_at"))
    .returning(*_COLUMNS)
)
_DROP: Final = sa.delete(trusted_issuers).where(*_THIS).returning(_i.issuer)

_OF_ISSUER: Final = (
    _s.tenant_id == bindparam("tenant_id"),
    _s.issuer_id == bindparam("of_issuer_id"),
)
_FIND_SUBJECT: Final = sa.select(_s.user_id).where(*_OF_ISSUER, _s.subject == bindparam("named"))
_LIST_SUBJECTS: Final = (
    sa.select(_s.subject, _s.user_id)
    .where(*_OF_ISSUER, _s.subject > bindparam("after"))
    .order_by(_s.subject)
    .limit(bindparam("most", type_=sa.Integer))
)
_LINK: Final = insert_or_nothing(
    trusted_subjects, conflict=("tenant_id", "issuer_id", "subject"), returning=(_s.subject,)
)
_UNLINK: Final = (
    sa.delete(trusted_subjects)
    .where(*_OF_ISSUER, _s.subject == bindparam("named"))
    .returning(_s.user_id)
)
_FORGET_USER: Final = sa.delete(trusted_subjects).where(
    _s.tenant_id == bindparam("tenant_id"), _s.user_id == bindparam("of_user_id")
)


async def find_by_issuer(work: Work, issuer: str) -> TrustedIssuer | None:
    """Return what is believed of an issuer."""
    row = (await work.execute(_BY_ISSUER, of_issuer=issuer)).first()
    return None if row is None else _trusted(row)


async def find_issuer(work: Work, issuer_id: str) -> TrustedIssuer | None:
    """Return a trusted issuer by our id of it."""
    row = (await work.execute(_FIND, issuer_id=issuer_id)).first()
    return None if row is None else _trusted(row)


async def list_issuers(work: Work, *, after: str, most: int) -> list[TrustedIssuer]:
    """Return trusted issuers by id."""
    return [_trusted(row) for row in (await work.execute(_LIST, after=after, most=most)).all()]


async def add_issuer(work: Work, trusted: TrustedIssuer) -> bool:
    """Add one; ``False`` if that issuer is trusted already."""
    added = await work.execute(
        _ADD,
        id=trusted.id,
        issuer=trusted.issuer,
        trust=trusted.trust.model_dump(mode="json"),
        updated_at=work.now,
    )
    return added.first() is not None


async def change_issuer(work: Work, issuer_id: str, trust: Trust) -> TrustedIssuer | None:
    """Replace what is believed of an issuer."""
    said = trust.model_dump(mode="json")
    rows = await work.execute(_CHANGE, issuer_id=issuer_id, new_trust=said, new_updated_at=work.now)
    row = rows.first()
    return None if row is None else _trusted(row)


async def drop_issuer(work: Work, issuer_id: str) -> str | None:
    """Stop trusting an issuer, its linked subjects included; return which it was."""
    return cast("str | None", (await work.execute(_DROP, issuer_id=issuer_id)).scalar())


async def find_subject(work: Work, *, issuer_id: str, subject: str) -> str | None:
    """Return the user an issuer's subject was linked to."""
    found = await work.execute(_FIND_SUBJECT, of_issuer_id=issuer_id, named=subject)
    return cast("str | None", found.scalar())


async def list_subjects(
    work: Work, issuer_id: str, *, after: str, most: int
) -> list[LinkedSubject]:
    """Return an issuer's linked subjects."""
    rows = await work.execute(_LIST_SUBJECTS, of_issuer_id=issuer_id, after=after, most=most)
    return [LinkedSubject(subject=row.subject, user_id=row.user_id) for row in rows.all()]


async def link_subject(work: Work, *, issuer_id: str, subject: str, user_id: str) -> bool:
    """Link a subject; ``False`` if it stands for somebody already."""
    linked = await work.execute(
        _LINK, issuer_id=issuer_id, subject=subject, user_id=user_id, linked_at=work.now
    )
    return linked.first() is not None


async def unlink_subject(work: Work, *, issuer_id: str, subject: str) -> str | None:
    """Unlink a subject; return whom it stood for."""
    taken = await work.execute(_UNLINK, of_issuer_id=issuer_id, named=subject)
    return cast("str | None", taken.scalar())


async def forget_user(work: Work, user_id: str) -> None:
    """Unlink everything that stands for a user."""
    await work.execute(_FORGET_USER, of_user_id=user_id)


def _trusted(row: Row) -> TrustedIssuer:
    return TrustedIssuer(id=row.id, issuer=row.issuer, trust=Trust.model_validate(row.trust))
