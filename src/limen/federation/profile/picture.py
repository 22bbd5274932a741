"""Fetch a picture from where a provider shows it, and keep our own of it.

Nobody's browser is ever sent to that address: it would tell the provider who looks at whom.
"""

from __future__ import annotations

import json
from typing import Final

from limen.accounts.directory import hold_active_user
from limen.accounts.profile.fetch import fetch_picture
from limen.accounts.profile.pictures import Encoder, keep_picture
from limen.crypto.envelope import Envelope, Place
from limen.db import outbox
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.federation.profile import store
from limen.federation.profile.identity_id import identity_id
from limen.kernel.ids import new_id
from limen.net import Net

KIND: Final = "profile_picture"


async def ask_for_picture(
    work: Work, envelope: Envelope, *, user_id: str, source: str, url: str
) -> None:
    """Have a picture fetched once this transaction is durable."""
    request_id = new_id(work.now)
    told = json.dumps({"user_id": user_id, "source": source, "url": url})
    sealed = await envelope.seal(work, Place(KIND, request_id, "payload"), told.encode())
    await outbox.enqueue(work, kind=KIND, payload=request_id.encode() + b"\n" + sealed)


def picture_handler(*, works: Works, envelope: Envelope, net: Net, encoder: Encoder) -> Handler:
    """Return the outbox handler of kind ``profile_picture``.

    An address that may not be called, or shows no picture, is not asked again.
    """

    async def handle(delivery: Delivery) -> None:
        request_id, _, sealed = delivery.payload.partition(b"\n")

        async def read(work: Work) -> dict[str, str]:
            raw = await envelope.open(work, Place(KIND, request_id.decode(), "payload"), sealed)
            return dict(json.loads(raw.reveal()))

        told = await works.run(delivery.site, read)
        image = await fetch_picture(net, encoder, told["url"])
        if image is None:
            return

        async def keep(work: Work) -> None:
            # Unlinked or closed meanwhile: nothing of it comes back (F39).
            if await hold_active_user(work, told["user_id"]) is None:
                return
            records = await store.list_records(work, told["user_id"])
            if told["source"] not in {identity_id(each.issuer, each.subject) for each in records}:
                return
            await keep_picture(
                work,
                user_id=told["user_id"],
                source=told["source"],
                image=image,
                origin=told["url"],
            )

        await works.run(delivery.site, keep)

    return handle
