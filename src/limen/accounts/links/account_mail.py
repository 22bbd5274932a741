"""Mail that strangers may ask for: looked up only after their answer has left.

Asking costs the same and writes the same whoever the address belongs to, or nobody: one sealed
row in the outbox. Who it is for is found by the outbox's handler (N142, O6).
"""

from __future__ import annotations

import json
from typing import Final, Literal

from limen.accounts import store
from limen.accounts.email_address import parse_email
from limen.accounts.events import PasswordResetRequested
from limen.accounts.links.mail_budget import may_mail
from limen.accounts.links.mail_link import mail_reset, mail_verification
from limen.crypto.envelope import Envelope, Place
from limen.db import outbox
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.kernel.ids import new_id

KIND: Final = "account_mail"
Wanted = Literal["reset", "verify"]


async def request_mail(work: Work, *, envelope: Envelope, email: str, wanted: Wanted) -> None:
    """Ask for a link to be mailed to an address, if it names someone it may be mailed to.

    Raises:
        InvalidInput: ``email_invalid``.
    """
    told = {"wanted": wanted, "address": parse_email(email)}
    request_id = new_id(work.now)
    place = Place(KIND, request_id, "payload")
    sealed = await envelope.seal(work, place, json.dumps(told).encode())
    await outbox.enqueue(work, kind=KIND, payload=request_id.encode() + b"\n" + sealed)


def account_mail_handler(*, works: Works, envelope: Envelope) -> Handler:
    """Return the outbox handler of kind ``account_mail``."""

    async def handle(delivery: Delivery) -> None:
        request_id, _, sealed = delivery.payload.partition(b"\n")
        place = Place(KIND, request_id.decode(), "payload")

        async def body(work: Work) -> None:
            opened = await envelope.open(work, place, sealed)
            told = json.loads(opened.reveal())
            await _mail(work, envelope, address=told["address"], wanted=told["wanted"])

        await works.run(delivery.site, body)

    return handle


async def _mail(work: Work, envelope: Envelope, *, address: str, wanted: Wanted) -> None:
    user = await store.find_by_email(work, address)
    if user is None or not user.is_active or (wanted == "verify" and user.is_verified):
        return
    if not await may_mail(work, user_id=user.id, wanted=wanted):
        return
    match wanted:
        case "reset":
            await mail_reset(work, envelope=envelope, user=user)
            await work.record(PasswordResetRequested(user_id=user.id))
        case "verify":
            await mail_verification(work, envelope=envelope, user=user)
