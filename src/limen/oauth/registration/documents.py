"""Clients whose id is the address of their metadata (Client ID Metadata Document)."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import weakref
from functools import partial
from typing import Final, final

from limen.db.work import Work, Works
from limen.kernel.errors import InvalidClient, InvalidInput, ProviderUnavailable
from limen.net import Net
from limen.net.freshness import fresh_seconds
from limen.oauth.consent import ask_anew_if_moved
from limen.oauth.model import Client
from limen.oauth.registration.offered import offered
from limen.oauth.registration.register import check_room
from limen.oauth.registry.check_addresses import check_addresses
from limen.oauth.registry.logo import follow_logo
from limen.oauth.registry.register_client import add_client, default_scope, plain_client
from limen.oauth.registry.update_client import forget_client
from limen.oauth.store import clients as store
from limen.oauth.store.registrations import Registration, put_registration
from limen.protocol.client_document import (
    MAX_DOCUMENT_BYTES,
    check_document_url,
    parse_client_document,
)
from limen.protocol.client_metadata import ClientMetadata, parse_client_metadata
from limen.tenants.policy_of import policy_of

_DEADLINE_SECONDS: Final = 5.0
_KEPT_UNUSED: Final = dt.timedelta(days=1)
"""A row that nobody's consent needs goes so long after its copy is stale."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Fetched:
    metadata: ClientMetadata
    fresh_for: dt.timedelta


@final
class Documents:
    """Fetches documents and keeps the client of each as a row.

    A copy is kept as its cache headers say, within 5 minutes and 24 hours; failures are not
    kept at all. The row, written in a Work of its own, is what consents and tokens belong to.

    Args:
        works: For that Work.
        net: The one door out: no redirects, a deadline, our bounds.
    """

    def __init__(self, works: Works, net: Net) -> None:
        self._works = works
        self._net = net
        self._reading: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = (
            weakref.WeakValueDictionary()
        )

    async def current(self, work: Work, url: str, *, known: Client | None) -> Client | None:
        """Return the client of a document, fetched if the copy at hand is not fresh.

        Args:
            work: Clean; its connection is given back meanwhile.
            url: The client id that a request presented.
            known: The row at hand. One that an operator disabled stays so.

        Returns:
            ``None`` if the tenant does not take such clients.

        Raises:
            InvalidClient: The document can't be had, or names no client we can work with.
            Throttled: ``too_many_clients``.
        """
        if not policy_of(work).registration.client_documents:
            return None
        if _is_good(known, now=work.now):
            return known
        await work.let_go()
        lock = self._reading.setdefault((work.tenant_id, url), asyncio.Lock())
        async with lock:
            known = await store.find_client(work, url)
            if _is_good(known, now=work.now):
                return known
            await work.let_go()
            held = None if known is None else known.metadata
            fetched = await self._fetch(work, url, held=held)
            return await self._works.run(work.site, partial(_keep, url=url, fetched=fetched))

    async def _fetch(self, work: Work, url: str, *, held: ClientMetadata | None) -> _Fetched:
        try:
            check_document_url(url)
            answer = await self._net.fetch(
                "GET",
                url,
                headers={"accept": "application/json"},
                deadline_seconds=_DEADLINE_SECONDS,
                max_bytes=MAX_DOCUMENT_BYTES,
            )
            if answer.status != 200 or not answer.content_type.endswith(("/json", "+json")):
                raise _refused("It could not be fetched as JSON.")
            members = parse_client_document(answer.body, url=url)
            policy = policy_of(work)
            client_type, fitting = offered(members, policy=policy, vouched=False, held=held)
            metadata = parse_client_metadata(
                fitting,
                client_type=client_type,
                private_use=policy.registration.private_use,
            )
            if metadata.profile == "mcp" and not metadata.client_name:
                raise _refused("client_name: needed under the profile mcp.")
            await check_addresses(work, self._net, fitting)
        except InvalidInput as refusal:
            raise _refused(refusal.public) from None
        except ProviderUnavailable as unavailable:
            # One text for all: what a host of ours inside answers is nobody's to learn.
            raise _refused("It could not be fetched.", detail=unavailable.detail) from None
        return _Fetched(metadata, dt.timedelta(seconds=fresh_seconds(answer)))


def _is_good(client: Client | None, *, now: dt.datetime) -> bool:
    if client is None or client.document_fresh_until is None:
        return False
    return not client.is_active or now < client.document_fresh_until


async def _keep(work: Work, *, url: str, fetched: _Fetched) -> Client:
    """Write what a document says; what operators decided about the client stays."""
    known = await store.lock_client(work, url)
    fresh_until = work.now + fetched.fresh_for
    if known is None:
        most = policy_of(work).registration.most_documents
        await check_room(work, via="document", most=most)
        made = plain_client(work, client_id=url, metadata=fetched.metadata)
        client = dataclasses.replace(made, document_fresh_until=fresh_until)
        await add_client(work, client, envelope=None)
    else:
        client = dataclasses.replace(
            known,
            metadata=fetched.metadata,
            default_scope=default_scope(None, metadata=fetched.metadata),
            document_fresh_until=fresh_until,
            version=known.version + 1,
        )
        await store.change_client(work, client)
        client = await follow_logo(work, before=known, after=client)
        await ask_anew_if_moved(work, before=known, after=client)
        forget_client(work, url)
    await put_registration(
        work,
        Registration(
            client_id=url,
            via="document",
            token_hash=None,
            software_statement=None,
            created_at=work.now,
            unused_until=fresh_until + _KEPT_UNUSED,
        ),
    )
    return client


def _refused(problem: str, *, detail: str = "") -> InvalidClient:
    return InvalidClient(
        public=f"The client's metadata document can't be used. {problem}", detail=detail
    )
