"""Bring profiles up to date while people are away, where there are means to ask."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from limen.accounts.directory import hold_active_user
from limen.db.work import Work
from limen.federation.events import IdentityRefused
from limen.federation.parts import Parts
from limen.federation.profile import store
from limen.federation.profile.ask import (
    Access,
    AccessGone,
    OtherAccount,
    Upstream,
    ask_profile,
    refresh_access,
)
from limen.federation.profile.keep_access import put_access, take_access
from limen.federation.profile.note import note_profile, open_words
from limen.federation.profile.roles import take_back_roles
from limen.federation.profile.store import Record
from limen.federation.profile.words import Words
from limen.federation.provider import ExternalIdentity, TokenAnswer
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import NotFound, ProviderUnavailable, Refusal
from limen.kernel.secret import Secret
from limen.kernel.shares import Holder, Shares
from limen.kernel.site import Site
from limen.observe import logger
from limen.observe.metrics import count_background_failure
from limen.tenants import policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account elsewhere, and whose it is here."""

    user_id: str
    issuer: str
    subject: str


TokenOf = Callable[[Site, Account], Awaitable[Secret[str] | None]]
"""Finds an access token of a person's connection to an account."""

_BATCH: Final = 20
_TOGETHER: Final = 15
_PATIENCE_SECONDS: Final = 10.0
"""So long a turn waits for who is slow."""
_log = logger("limen.federation")


class Synchroniser:
    """Asks again for profiles that are due; any number of processes may run one.

    However long a tenant's provider takes, what is under way of the tenant leaves room for the
    others (``kernel.shares``).

    Args:
        parts: Federation's.
        token_of: Where the person connected the same account, its token.
    """

    def __init__(self, parts: Parts, *, token_of: TokenOf) -> None:
        self._parts = parts
        self._token_of = token_of
        self._shares = Shares(_TOGETHER)
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, site: Site) -> int:
        """Begin to ask for profiles of a tenant, as many as it has room for; return how many."""
        holder = Holder(site.tenant_id, 2)
        room = min(_BATCH, self._shares.room_for(holder))
        if not room:
            return 0

        async def claim(work: Work) -> list[Record]:
            later = dt.timedelta(seconds=policy_of(work).sign_in.sync_seconds)
            return await store.claim_due(work, batch=room, next_at=work.now + later)

        due = await self._parts.works.run(site, claim)
        for record in due:
            self._shares.take([holder])
            task = asyncio.create_task(self._try(site, record, holder))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(due)

    async def wait(self) -> None:
        """Wait for what is under way, but not for who is slow."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_PATIENCE_SECONDS)

    async def finish(self) -> None:
        """Wait for all that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _try(self, site: Site, record: Record, holder: Holder) -> None:
        """Ask for one profile; whatever goes wrong with it is no other's trouble."""
        try:
            await self._ask(site, record)
        except Refusal as refusal:
            _log.info("profile waits", provider=record.provider, refusal=refusal.code)
        except Exception as fault:  # noqa: BLE001 -- asked again when it is due again
            _log.error(
                "a profile was not synchronised",
                tenant_id=site.tenant_id,
                provider=record.provider,
                kind=type(fault).__name__,
            )
            count_background_failure("profiles")
        finally:
            self._shares.leave([holder])

    async def _ask(self, site: Site, record: Record) -> None:
        try:
            await self._one(site, record)
        except OtherAccount:
            await self._stop(site, record, reason="other_subject")

    async def _one(self, site: Site, record: Record) -> None:
        upstream = await self._upstream(site, record)

        async def read(work: Work) -> Words:
            return await open_words(work, self._parts.envelope, record)

        before = await self._parts.works.run(site, read)
        identity = await self._identity_of(site, record, upstream, before=before)
        if identity is None:
            await self._stop(site, record, reason="")
            return
        await self._keep(site, record, identity)

    async def _identity_of(
        self, site: Site, record: Record, upstream: Upstream, *, before: Words
    ) -> ExternalIdentity | None:
        """Ask with the person's own connection, or with what their sign-in left.

        Not every token tells whose it is: at Microsoft that takes an ID token, which comes with a
        refresh alone.
        """
        for find in (self._by_connection, self._by_sign_in):
            access = await find(site, record, upstream)
            if access is None:
                continue
            try:
                return await ask_profile(
                    self._parts, upstream, record=record, access=access, before=before
                )
            except ProviderUnavailable as refusal:
                if refusal.code != "provider_identity":
                    raise
        return None

    async def _keep(self, site: Site, record: Record, identity: ExternalIdentity) -> None:
        async def body(work: Work) -> None:
            if await hold_active_user(work, record.user_id) is None:
                return
            now = await store.lock_record(work, issuer=record.issuer, subject=record.subject)
            # Unlinked, or signed in meanwhile: what is newer stands.
            if now is None or now.user_id != record.user_id:
                return
            if now.last_sync_at > record.last_sync_at:
                return
            kept = await note_profile(
                work,
                self._parts.envelope,
                identity=identity,
                user_id=record.user_id,
                provider=record.provider,
            )
            await take_back_roles(work, record=kept, profile=identity.profile)

        await self._parts.works.run(site, body)

    async def _by_connection(
        self, site: Site, record: Record, _upstream: Upstream
    ) -> Access | None:
        account = Account(user_id=record.user_id, issuer=record.issuer, subject=record.subject)
        raw = await self._token_of(site, account)
        if raw is None:
            return None
        return Access(
            answer=TokenAnswer(
                raw_access=raw,
                raw_refresh=None,
                expires_in=None,
                scope=None,
                raw_id_token=None,
                members={},
            )
        )

    async def _by_sign_in(self, site: Site, record: Record, upstream: Upstream) -> Access | None:
        async def take(work: Work) -> Secret[str] | None:
            return await take_access(work, self._parts.envelope, record)

        raw_refresh = await self._parts.works.run(site, take)
        if raw_refresh is None:
            return None
        try:
            access = await refresh_access(
                self._parts, upstream, record=record, raw_refresh=raw_refresh
            )
        except AccessGone:
            return None
        except ProviderUnavailable as unavailable:
            if not unavailable.sent:
                await self._put_back(site, record, raw_refresh)
            raise
        await self._put_back(site, record, access.answer.raw_refresh or raw_refresh)
        return access

    async def _put_back(self, site: Site, record: Record, raw_refresh: Secret[str]) -> None:
        async def body(work: Work) -> None:
            now = await store.lock_record(work, issuer=record.issuer, subject=record.subject)
            if now is not None and now.access_generation == record.access_generation:
                await put_access(work, self._parts.envelope, record=now, raw_refresh=raw_refresh)

        await self._parts.works.run(site, body)

    async def _upstream(self, site: Site, record: Record) -> Upstream:
        parts = self._parts

        async def read(work: Work) -> UpstreamClient:
            return await get_upstream_client(work, parts.envelope, provider=record.provider)

        client = await parts.works.run(site, read)
        provider = parts.registry.find(record.provider, client.config)
        if provider is None or not provider.keeps_accounts_of(record.issuer):
            raise NotFound("provider_unknown", "There is no such provider here.")
        endpoints = await provider.endpoints(parts.net, now=parts.works.clock.now())
        return Upstream(client=client, provider=provider, endpoints=endpoints)

    async def _stop(self, site: Site, record: Record, *, reason: str) -> None:
        """Ask no more until the person signs in, or connects the account."""

        async def body(work: Work) -> None:
            await store.rest(work, issuer=record.issuer, subject=record.subject)
            if reason:
                await work.record(
                    IdentityRefused(user_id=record.user_id, provider=record.provider, reason=reason)
                )

        await self._parts.works.run(site, body)
