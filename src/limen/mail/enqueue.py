"""Mail something once the present transaction is durable."""

from __future__ import annotations

import json

from limen.crypto.envelope import Envelope, Place
from limen.db import outbox
from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.mail.message import Message, check_message

KIND = "mail"


async def enqueue(work: Work, *, envelope: Envelope, message: Message) -> None:
    """Write a mail to the outbox, sealed: it holds an address and often a link or a code.

    Args:
        work: The caller's transaction; if it is refused, nothing is mailed.
        envelope: Seals the mail until it is sent.
        message: What to mail.

    Raises:
        InvalidInput: ``email_invalid``, ``mail_invalid``.
    """
    check_message(message)
    mail_id = new_id(work.now)
    told = {
        "to": message.to,
        "template": message.template,
        "context": dict(message.context),
        "language": message.language,
        "written_at": work.now.isoformat(),
    }
    place = Place("mail", mail_id, "payload")
    sealed = await envelope.seal(work, place, json.dumps(told).encode())
    await outbox.enqueue(work, kind=KIND, payload=mail_id.encode() + b"\n" + sealed)
