"""The development mailbox's SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.mail.message import OutgoingMail
from limen.mail.tables import mailbox

_ADD = insert_or_nothing(mailbox, conflict=("tenant_id", "id"))
_COLUMNS: Final = (
    mailbox.c.id,
    mailbox.c.recipient,
    mailbox.c.subject,
    mailbox.c.text,
    mailbox.c.html,
    mailbox.c.sent_at,
)
_ONE = sa.select(*_COLUMNS).where(
    mailbox.c.tenant_id == bindparam("tenant_id"), mailbox.c.id == bindparam("mail_id")
)
_NEWEST = (
    sa.select(*_COLUMNS)
    .where(mailbox.c.tenant_id == bindparam("tenant_id"))
    .order_by(mailbox.c.id.desc())
    .limit(200)
)
_NEWEST_TO = (
    sa.select(*_COLUMNS)
    .where(
        mailbox.c.tenant_id == bindparam("tenant_id"), mailbox.c.recipient == bindparam("recipient")
    )
    .order_by(mailbox.c.id.desc())
    .limit(200)
)


async def add_mail(work: Work, mail: OutgoingMail) -> None:
    """Keep a mail; the same one again is one mail."""
    await work.execute(
        _ADD,
        id=mail.id,
        recipient=mail.to,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        sent_at=mail.written_at,
    )


async def find_mail(work: Work, mail_id: str) -> OutgoingMail | None:
    """Return one mail."""
    row = (await work.execute(_ONE, mail_id=mail_id)).first()
    return None if row is None else _mail(row)


async def list_mail(work: Work, *, recipient: str = "") -> list[OutgoingMail]:
    """Return the newest mails, to one address or to all."""
    if recipient:
        rows = await work.execute(_NEWEST_TO, recipient=recipient)
    else:
        rows = await work.execute(_NEWEST)
    return [_mail(row) for row in rows.all()]


def _mail(row: Row) -> OutgoingMail:
    return OutgoingMail(
        id=row.id,
        to=row.recipient,
        subject=row.subject,
        text=row.text,
        html=row.html,
        written_at=row.sent_at,
    )
