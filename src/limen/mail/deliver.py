"""Open, write and send one mail from the outbox."""

from __future__ import annotations

import datetime as dt
import json

from limen.crypto.envelope import Envelope, Place
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.kernel.secret import Secret
from limen.mail.message import Message
from limen.mail.render import render
from limen.mail.transports import Transport
from limen.web.languages.negotiate import DEFAULT


def mail_handler(*, works: Works, envelope: Envelope, transport: Transport) -> Handler:
    """Return the outbox handler of kind ``mail``.

    A mail may be sent twice if the process dies between sending and noting it; its
    ``Message-ID`` is the same, so that a mailbox shows it once.
    """

    async def deliver(delivery: Delivery) -> None:
        mail_id, _, sealed = delivery.payload.partition(b"\n")
        place = Place("mail", mail_id.decode(), "payload")

        async def unseal(work: Work) -> Secret[bytes]:
            return await envelope.open(work, place, sealed)

        opened = await works.run(delivery.site, unseal)
        told = json.loads(opened.reveal())
        message = Message(
            to=told["to"],
            template=told["template"],
            context=told["context"],
            language=told.get("language", DEFAULT),  # one from before there were several
        )
        written_at = dt.datetime.fromisoformat(told["written_at"])
        mail = render(message, mail_id=mail_id.decode(), written_at=written_at)
        await transport.send(delivery.site, mail)

    return deliver
