"""End tokens at their provider, from a durable outbox, until there is a receipt.

The tokens to be revoked are kept sealed until the provider confirmed, or nobody can be asked;
what remains then is the receipt. A failed attempt is tried again by the outbox.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Final

from limen.db.outbox import MAX_ATTEMPTS, Delivery, Handler, enqueue
from limen.db.work import Work
from limen.federation.provider import Provider, TokenAnswer
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import ProviderUnavailable, Refusal
from limen.kernel.ids import new_id
from limen.observe import logger
from limen.vault.events import UpstreamRevoked
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts
from limen.vault.revoking.at_provider import SUBJECT, Dead, end, is_another_clients
from limen.vault.revoking.blast_radius import ends_another
from limen.vault.sealing import key_name, revocation_place
from limen.vault.store import grants, revocations
from limen.vault.store.revocations import Overdue

KIND: Final = "vault.revoke"
KEPT_FOR_OTHERS: Final = "kept_for_others"
"""Why a provider is not asked: others of the same account would end with it."""
CLIENT_REPLACED: Final = "client_replaced"
"""Or: we are another client there by now, whose word about these tokens counts for nothing."""
GIVE_UP_AFTER: Final = dt.timedelta(days=7)
"""How long tokens are kept, sealed, for a provider that does not confirm their end."""

_MOST_OVERDUE: Final = 200
_PAUSE_SECONDS: Final = 3600.0
_log: Final = logger("limen.vault")


async def enqueue_revocation(
    work: Work, parts: Parts, *, grant: Grant, tokens: Tokens, reason: str
) -> None:
    """Have tokens revoked at their provider once this transaction is durable.

    Not if a live grant would die with them when their turn comes: see ``ends_another``.

    Args:
        work: The transaction.
        parts: The vault's.
        grant: Whose tokens they are; buried, or about to be.
        tokens: What is revoked.
        reason: Why, for the receipt.
    """
    revocation_id = new_id(work.now)
    # Erased, the grant says no more whose account it was of.
    plain = {"access": tokens.raw_access.reveal(), SUBJECT: grant.subject}
    if tokens.raw_refresh is not None:
        plain["refresh"] = tokens.raw_refresh.reveal()
    sealed = await parts.envelope.seal(
        work, revocation_place(grant.id, revocation_id), json.dumps(plain).encode()
    )
    await revocations.add_revocation(
        work,
        id=revocation_id,
        grant_id=grant.id,
        provider=grant.provider,
        reason=reason,
        sealed_tokens=sealed,
    )
    await enqueue(work, kind=KIND, payload=revocation_id.encode())


async def discard_tokens(
    work: Work, parts: Parts, grant: Grant, *, answer: TokenAnswer, provider: Provider
) -> None:
    """Revoke tokens that came too late to be kept (F39).

    Unless a live grant of the same account would die with them: where revoking one token ends
    the whole grant, tokens superseded by a reconnect are dropped instead.

    Args:
        work: The transaction.
        parts: The vault's.
        grant: As it was when they were asked for.
        answer: What came.
        provider: Theirs.
    """
    now = await grants.find_grant(work, grant.id)
    if now is not None and now.is_live and provider.facts.blast_radius != "token":
        return
    if now is not None and now.state == "erased":
        await parts.envelope.create_key(work, name=key_name(grant.id))
    tokens = Tokens(raw_access=answer.raw_access, raw_refresh=answer.raw_refresh)
    await enqueue_revocation(work, parts, grant=grant, tokens=tokens, reason="late")


def revoke_handler(parts: Parts) -> Handler:
    """Return the outbox's handler of ``vault.revoke``.

    The outbox's own attempts are over within hours. A provider that is down for longer is asked
    on, each time by a row of its own, until it confirms or the deadline is over (F40).
    """

    async def handle(delivery: Delivery) -> None:
        try:
            await _attempt(parts, delivery)
        except Refusal as refusal:
            if delivery.attempt < MAX_ATTEMPTS:
                raise
            _log.warning("revocation goes on waiting", refusal=refusal.code)
            await parts.works.run(delivery.site, lambda work: _ask_on(work, delivery.payload))

    return handle


async def _attempt(parts: Parts, delivery: Delivery) -> None:
    revocation_id = delivery.payload.decode()

    async def read(work: Work) -> tuple[UpstreamClient, Grant, dict[str, str]] | None:
        return await _read(work, parts, revocation_id)

    found = await parts.works.run(delivery.site, read)
    if found is None:
        return
    client, grant, tokens = found
    provider = parts.catalogue.get(grant.provider, client.config)
    if not provider.keeps_accounts_of(grant.issuer):
        detail = f"{grant.provider}: is another place now"
        raise ProviderUnavailable("provider_moved", detail=detail, sent=False)

    async def would_end(work: Work) -> bool:
        return await ends_another(work, provider, grant)

    dead = Dead(revocation_id, grant=grant, client=client, provider=provider)
    if await parts.works.run(delivery.site, would_end):
        receipt = KEPT_FOR_OTHERS
    elif await is_another_clients(parts, dead):
        receipt = CLIENT_REPLACED
    else:
        receipt = await end(parts, delivery.site, dead, tokens=tokens)

    async def settle(work: Work) -> None:
        await _settle(work, parts, revocation_id, receipt=receipt)

    await parts.works.run(delivery.site, settle)


async def _ask_on(work: Work, payload: bytes) -> None:
    if await revocations.find_revocation(work, payload.decode()) is not None:
        await enqueue(work, kind=KIND, payload=payload, delay_seconds=_PAUSE_SECONDS)


async def _read(
    work: Work, parts: Parts, revocation_id: str
) -> tuple[UpstreamClient, Grant, dict[str, str]] | None:
    found = await revocations.find_revocation(work, revocation_id)
    if found is None:
        return None
    place = revocation_place(found.grant_id, found.id)
    raw = await parts.envelope.open(work, place, found.sealed_tokens)
    tokens: dict[str, str] = json.loads(raw.reveal())
    client = await get_upstream_client(
        work, parts.envelope, provider=found.provider, even_disabled=True
    )
    grant = await grants.find_grant(work, found.grant_id)
    assert grant is not None
    return client, replace(grant, subject=tokens.pop(SUBJECT, grant.subject)), tokens


async def _settle(work: Work, parts: Parts, revocation_id: str, *, receipt: str) -> None:
    found = await revocations.find_revocation(work, revocation_id)
    if found is None:
        return
    if receipt in {KEPT_FOR_OTHERS, CLIENT_REPLACED}:
        await revocations.settle_unsent(work, revocation_id, unsent=receipt)
    else:
        await revocations.settle_revocation(work, revocation_id=revocation_id, outcome=receipt)
    await work.record(
        UpstreamRevoked(grant_id=found.grant_id, provider=found.provider, receipt=receipt)
    )
    await erase_if_settled(work, parts, grant_id=found.grant_id)


async def erase_if_settled(work: Work, parts: Parts, *, grant_id: str) -> None:
    """Shred the key of a dead grant once nothing sealed to it is needed any more."""
    grant = await grants.lock_grant(work, grant_id)
    if grant is None or grant.is_live:
        return
    if await revocations.count_open_revocations(work, grant_id) == 0:
        await grants.erase_grant(work, grant_id=grant.id, reason=grant.reason)
        await parts.envelope.shred(work, name=key_name(grant.id))


async def keep_at_provider(
    work: Work, parts: Parts, *, grant: Grant, why: str = KEPT_FOR_OTHERS
) -> None:
    """End a grant here alone, and say why the provider is not told.

    Args:
        work: Has buried it.
        parts: The vault's.
        grant: As it was.
        why: ``kept_for_others``: revoking it would end others of the same account (blast
            radius); ``revoked_by_hand``: a credential is its owner's, and theirs to revoke;
            ``client_replaced``: we are another client there by now; ``unreadable``: its tokens
            can't be read any more.
    """
    await revocations.note_unsent(
        work,
        revocation_id=new_id(work.now),
        grant_id=grant.id,
        provider=grant.provider,
        unsent=why,
    )
    await work.record(UpstreamRevoked(grant_id=grant.id, provider=grant.provider, receipt=why))
    await erase_if_settled(work, parts, grant_id=grant.id)


async def list_overdue(work: Work) -> list[Overdue]:
    """Return revocations that no provider confirmed for a week."""
    before = work.now - GIVE_UP_AFTER
    return await revocations.overdue(work, before=before, most=_MOST_OVERDUE)


async def give_up(work: Work, *, parts: Parts, overdue: Overdue) -> int:
    """Wipe the tokens of one; the receipt says so (F40). Return how many: 0 if it is settled."""
    if not await revocations.settle_unsent(work, overdue.id, unsent="deadline"):
        return 0
    await work.record(
        UpstreamRevoked(grant_id=overdue.grant_id, provider=overdue.provider, receipt="deadline")
    )
    await erase_if_settled(work, parts, grant_id=overdue.grant_id)
    return 1
