"""Erase what is kept about a person's connections; what survives are ids and receipts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limen.accounts.events import AccountClosed, AccountReclaimed
from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.vault.disconnect import disconnect_all
from limen.vault.events import PersonErased
from limen.vault.parts import Parts
from limen.vault.store import erasing
from limen.vault.store.erasing import Erasure, Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was erased, and what the providers said.

    Args:
        is_done: Whether every grant that nobody else uses is wiped, its key shredded.
    """

    erasure: Erasure
    receipts: tuple[Receipt, ...]
    is_done: bool


async def erase_person(work: Work, parts: Parts, *, user_id: str) -> Erasure:
    """End all connections of a person and delete all that was kept with them, at once.

    The tokens go to the revocation outbox, sealed; once a provider has confirmed, or nobody can
    be asked, they are wiped and the key of the grant is shredded.
    """
    before = await erasing.all_ever(work, user_id)
    await disconnect_all(work, parts, user_id=user_id)
    await erasing.forget_all(work, user_id)
    erasure = Erasure(
        id=new_id(work.now),
        connections=tuple(each.id for each in before),
        grants=tuple(dict.fromkeys(each.grant_id for each in before)),
        asked_at=work.now,
    )
    await erasing.add_erasure(work, erasure, user_id=user_id)
    await work.record(PersonErased(user_id=user_id, erasure_id=erasure.id, connections=len(before)))
    return erasure


async def list_erasures(work: Work, *, user_id: str) -> list[Record]:
    """Return what was erased for a person, with what the providers said."""
    records = []
    for erasure in await erasing.erasures_of(work, user_id):
        states = await erasing.states_of(work, erasure.grants)
        records.append(
            Record(
                erasure=erasure,
                receipts=tuple(await erasing.receipts_of(work, erasure.grants)),
                is_done=all(state != "revoked" for state in states.values()),
            )
        )
    return records


def on_account_closed(parts: Parts) -> Callable[[Work, AccountClosed], Awaitable[None]]:
    """Return the reaction to a closed account, for the literal in ``app``."""

    async def react(work: Work, event: AccountClosed) -> None:
        await erase_person(work, parts, user_id=event.user_id)

    return react


def on_account_reclaimed(parts: Parts) -> Callable[[Work, AccountReclaimed], Awaitable[None]]:
    """Return the reaction to an account taken over by its mailbox's owner (N130)."""

    async def react(work: Work, event: AccountReclaimed) -> None:
        await erase_person(work, parts, user_id=event.user_id)

    return react
