"""A client's logo: fetched once, made anew, and shown from here.

Nobody's browser is ever sent to the client's address: it would tell the client's host who is
looking, and what stands there may change once people trust it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Final

from limen.accounts.profile.fetch import fetch_picture
from limen.accounts.profile.pictures import Encoder
from limen.db import outbox
from limen.db.cache import forget
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.kernel.errors import NotFound, ProviderUnavailable
from limen.kernel.ids import new_id
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.model import Client
from limen.oauth.store import clients as store
from limen.oauth.store.logos import drop_logo, find_logo, put_logo
from limen.observe import logger
from limen.tenants.policy_of import policy_of

KIND: Final = "client_logo"
PATH: Final = "/logos"
_MOST_ATTEMPTS: Final = 8
"""Some minutes. A logo that can't be had is its client's trouble and no operator's."""

_log = logger("limen.oauth")


def shown_logo(work: Work, client: Client) -> str | None:
    """Return the address of the logo that people are shown a copy of; ``None`` for no logo.

    Anybody may register anybody's logo: whether those count that nobody vouched for is the
    tenant's to say.
    """
    return client.metadata.logo_uri if _may_show(work, verified=client.verified) else None


def logo_url(site: Site, client: Client) -> str | None:
    """Return where our copy of a client's logo is served, if there is one."""
    return f"{site.issuer}{PATH}/{client.logo_id}" if client.logo_id else None


async def follow_logo(work: Work, *, before: Client | None, after: Client) -> Client:
    """Have a logo fetched once this transaction is durable; forget the copy of another.

    Args:
        work: The transaction that writes the client.
        before: As it was; ``None`` for a new one.
        after: As it is now.

    Returns:
        It, without a copy that was deleted.
    """
    url = shown_logo(work, after)
    if before is not None:
        has_all = url is None or before.logo_id or not _may_retry(work)
        if url == shown_logo(work, before) and has_all:
            return after
        await drop_logo(work, after.client_id)
    if url is not None:
        told = json.dumps({"client_id": after.client_id, "url": url})
        await outbox.enqueue(work, kind=KIND, payload=told.encode())
    return dataclasses.replace(after, logo_id="")


def logo_handler(*, works: Works, net: Net, encoder: Encoder) -> Handler:
    """Return the outbox handler of kind ``client_logo``.

    An address that may not be called, or shows no picture, is not asked again; neither is one
    that the client does not name any more.
    """

    async def handle(delivery: Delivery) -> None:
        told = json.loads(delivery.payload)
        client_id, url = told["client_id"], told["url"]

        async def is_due(work: Work) -> bool:
            client = await store.find_client(work, client_id)
            return client is not None and shown_logo(work, client) == url

        if not await works.run(delivery.site, is_due):
            return
        try:
            image = await fetch_picture(net, encoder, url, shape="whole")
        except ProviderUnavailable as refusal:
            if delivery.attempt < _MOST_ATTEMPTS:
                raise
            _log.info("logo given up", client_id=client_id, refusal=refusal.code)
            return
        if image is None:
            return

        async def keep(work: Work) -> None:
            await _keep(work, client_id=client_id, url=url, image=image)

        await works.run(delivery.site, keep)

    return handle


async def read_logo(work: Work, *, logo_id: str) -> bytes:
    """Return the bytes of a logo that people are shown.

    Raises:
        NotFound: ``logo_not_found``.
    """
    found = await find_logo(work, logo_id)
    if found is None or not _may_show(work, verified=found.of_verified):
        raise NotFound("logo_not_found", "There is no such logo.")
    return found.image


async def _keep(work: Work, *, client_id: str, url: str, image: bytes) -> None:
    # Changed or deleted while it was fetched: it is nobody's logo any more.
    client = await store.lock_client(work, client_id)
    if client is None or shown_logo(work, client) != url:
        return
    await put_logo(work, client_id=client_id, logo_id=new_id(work.now), image=image)
    await store.touch_client(work, client_id)
    forget(work, kind="client", name=client_id)


def _may_retry(work: Work) -> bool:
    """Say whether a logo that could not be had is asked for again with any change.

    A client itself would have us call somebody with each of its own.
    """
    return work.actor.kind not in {"anonymous", "client"}


def _may_show(work: Work, *, verified: bool) -> bool:
    return verified or policy_of(work).registration.unverified_logos
