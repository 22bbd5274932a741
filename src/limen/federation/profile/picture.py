"""Fetch a picture from where a provider shows it, and keep our own of it.

Nobody's browser is ever sent to that address: it would tell the provider who looks at whom.
"""

from __future__ import annotations

import json
from typing import Final

from limen.accounts.directory import hold_active_user
from limen.accounts.profile.encode import MAX_BYTES
from limen.accounts.profile.pictures import Encoder, keep_picture
from limen.crypto.envelope import Envelope, Place
from limen.db import outbox
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.federation.profile import store
from limen.federation.profile.identity_id import identity_id
from limen.kernel.errors import InvalidInput, NetRefused
from limen.kernel.ids import new_id
from limen.net import Net
from limen.observe import logger

KIND: Final = "profile_picture"
_DEADLINE_SECONDS: Final = 8.0
_OK: Final = 200
_GONE: Final = range(300, 500)
_log = logger("limen.federation")


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

    What may be called is ``net``'s to say, as everywhere (N213); it follows no redirect. An
    address that may not be called, or shows no picture, is not asked again.
    """

    async def handle(delivery: Delivery) -> None:
        request_id, _, sealed = delivery.payload.partition(b"\n")

        async def read(work: Work) -> dict[str, str]:
            raw = await envelope.open(work, Place(KIND, request_id.decode(), "payload"), sealed)
            return dict(json.loads(raw.reveal()))

        told = await works.run(delivery.site, read)
        image = await _fetch(net, encoder, told["url"])
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


async def _fetch(net: Net, encoder: Encoder, url: str) -> bytes | None:
    try:
        answer = await net.fetch(
            "GET",
            url,
            headers={"Accept": "image/webp,image/png,image/jpeg"},
            deadline_seconds=_DEADLINE_SECONDS,
            max_bytes=MAX_BYTES,
        )
        if answer.status in _GONE:
            return None
        if answer.status != _OK:
            raise RuntimeError(f"the picture's server answered {answer.status}")
        return await encoder.encode(answer.body)
    except (InvalidInput, NetRefused) as refusal:
        _log.info("picture refused", refusal=refusal.code)
        return None
