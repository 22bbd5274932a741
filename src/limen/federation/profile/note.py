"""Keep what a provider just said of a person, and notice what is new."""

from __future__ import annotations

import datetime as dt
import json
from typing import Final

from limen.accounts.profile.pictures import drop_picture, has_picture_of
from limen.accounts.profile.sources import offer
from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.federation.events import ProviderProfileChanged
from limen.federation.profile import store
from limen.federation.profile.identity_id import identity_id
from limen.federation.profile.picture import ask_for_picture
from limen.federation.profile.store import Record
from limen.federation.profile.words import Words, changed_members, words_of
from limen.federation.provider import ExternalIdentity
from limen.kernel.ids import new_id
from limen.tenants import policy_of

MOST_CHANGES: Final = 20
"""So many changes of a profile are remembered, the newest."""


async def note_profile(
    work: Work, envelope: Envelope, *, identity: ExternalIdentity, user_id: str, provider: str
) -> Record:
    """Keep what a provider says, remember what it said before, offer it to the account.

    The identity is linked and the person's row is held by now: whoever changes a profile takes
    the same locks in the same order.

    Args:
        work: The transaction of the sign-in, or of a synchronisation.
        envelope: Seals it.
        identity: As just proven.
        user_id: Whose identity it is.
        provider: As whose client it was asked.

    Returns:
        What is kept now.
    """
    said = words_of(identity)
    record = await store.lock_record(work, issuer=identity.issuer, subject=identity.subject)
    before = None if record is None else await open_words(work, envelope, record)
    changed = () if before is None else changed_members(before, said)
    if record is None or changed or before != said:
        await _put(work, envelope, identity, said=said, record=record, owner=(user_id, provider))
    else:
        await _put_same(work, record)
    if record is not None and before is not None and changed:
        await _remember(work, envelope, record, before=before, changed=changed)
    source = identity_id(identity.issuer, identity.subject)
    await offer(work, user_id=user_id, source=source, told=said.offered())
    await _picture(work, envelope, user_id=user_id, source=source, said=said)
    kept = await store.find_record(work, issuer=identity.issuer, subject=identity.subject)
    assert kept is not None
    return kept


async def open_words(work: Work, envelope: Envelope, record: Record) -> Words:
    """Return what a provider last said."""
    raw = await envelope.open(work, _place(record, record.generation), record.sealed_profile)
    return Words.from_json(raw.reveal().decode())


async def list_changes(
    work: Work, envelope: Envelope, record: Record
) -> list[tuple[dt.datetime, dict[str, object]]]:
    """Return when what changed, newest first, with what each member was before."""
    found = []
    for change in await store.list_changes(
        work, issuer=record.issuer, subject=record.subject, most=MOST_CHANGES
    ):
        raw = await envelope.open(work, _place_of_change(change.id), change.sealed_before)
        found.append((change.changed_at, json.loads(raw.reveal())))
    return found


async def _put(
    work: Work,
    envelope: Envelope,
    identity: ExternalIdentity,
    *,
    said: Words,
    record: Record | None,
    owner: tuple[str, str],
) -> None:
    generation = 1 if record is None else record.generation + 1
    place = Place(
        "provider_profile",
        identity_id(identity.issuer, identity.subject),
        "profile",
        generation=generation,
    )
    await store.put_record(
        work,
        issuer=identity.issuer,
        subject=identity.subject,
        user_id=owner[0],
        provider=owner[1],
        email_verified=said.email_verified,
        generation=generation,
        sealed_profile=await envelope.seal(work, place, said.to_json().encode()),
        last_sync_at=work.now,
        changed_at=work.now,
        next_sync_at=_next(work),
    )


async def _put_same(work: Work, record: Record) -> None:
    await store.put_record(
        work,
        issuer=record.issuer,
        subject=record.subject,
        user_id=record.user_id,
        provider=record.provider,
        email_verified=record.email_verified,
        generation=record.generation,
        sealed_profile=record.sealed_profile,
        last_sync_at=work.now,
        changed_at=record.changed_at,
        next_sync_at=_next(work),
    )


async def _remember(
    work: Work, envelope: Envelope, record: Record, *, before: Words, changed: tuple[str, ...]
) -> None:
    change_id = new_id(work.now)
    was = json.dumps({name: getattr(before, name) for name in changed})
    await store.add_change(
        work,
        id=change_id,
        issuer=record.issuer,
        subject=record.subject,
        members=list(changed),
        sealed_before=await envelope.seal(work, _place_of_change(change_id), was.encode()),
        changed_at=work.now,
    )
    kept = await store.list_changes(
        work, issuer=record.issuer, subject=record.subject, most=MOST_CHANGES + 1
    )
    if len(kept) > MOST_CHANGES:
        await store.prune_changes(
            work, issuer=record.issuer, subject=record.subject, up_to=kept[-1].id
        )
    await work.record(
        ProviderProfileChanged(user_id=record.user_id, provider=record.provider, members=changed)
    )


async def _picture(
    work: Work, envelope: Envelope, *, user_id: str, source: str, said: Words
) -> None:
    if said.picture is None or not policy_of(work).sign_in.pictures:
        await drop_picture(work, user_id=user_id, source=source)
    elif not await has_picture_of(work, user_id=user_id, source=source, origin=said.picture):
        await ask_for_picture(work, envelope, user_id=user_id, source=source, url=said.picture)


def _next(work: Work) -> dt.datetime:
    return work.now + dt.timedelta(seconds=policy_of(work).sign_in.sync_seconds)


def _place(record: Record, generation: int) -> Place:
    name = identity_id(record.issuer, record.subject)
    return Place("provider_profile", name, "profile", generation=generation)


def _place_of_change(change_id: str) -> Place:
    return Place("profile_change", change_id, "before")
