"""What a person is shown of what providers say of them, and what of it is used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limen.accounts.directory import get_user
from limen.accounts.profile.pictures import pictures_of
from limen.accounts.profile.sources import FIELDS, NONE, OWN, Used, choose, used_fields
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.federation.profile import store
from limen.federation.profile.identity_id import identity_id
from limen.federation.profile.note import list_changes, open_words
from limen.federation.profile.store import Record
from limen.federation.profile.words import Words
from limen.kernel.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one provider last said.

    Args:
        id: Of the identity; names it as a source.
        picture_url: Our own of its picture; ``None`` until it was fetched.
    """

    id: str
    record: Record
    words: Words
    picture_url: str | None
    history: Sequence[tuple[dt.datetime, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProfile:
    """All there is of a person's profile."""

    user: User
    used: Mapping[str, Used]
    own_picture_url: str | None
    said: Sequence[Said]


async def read_profile(
    work: Work, envelope: Envelope, *, user_id: str, with_history: bool = True
) -> ShownProfile:
    """Return a person's profile with the provenance of each field.

    Raises:
        NotFound: ``user_not_found``.
    """
    user = await get_user(work, user_id)
    pictures = await pictures_of(work, user_id)
    said = []
    for record in await store.list_records(work, user_id):
        name = identity_id(record.issuer, record.subject)
        said.append(
            Said(
                id=name,
                record=record,
                words=await open_words(work, envelope, record),
                picture_url=pictures.get(name),
                history=await list_changes(work, envelope, record) if with_history else (),
            )
        )
    return ShownProfile(
        user=user,
        used=await used_fields(work, user=user),
        own_picture_url=pictures.get(OWN),
        said=said,
    )


async def choose_source(
    work: Work,
    envelope: Envelope,
    *,
    user_id: str,
    field: str,
    source: str,
    value: str | None = None,
) -> None:
    """Have a field follow ``own`` words, nothing, or an identity of the person's.

    Args:
        work: The transaction.
        envelope: Opens what the identity's provider said.
        user_id: Whose profile.
        field: One of ``FIELDS``.
        source: ``own``, ``none``, or an identity's id.
        value: The person's own words; a picture of their own is uploaded instead.

    Raises:
        InvalidInput: ``field_unknown``, ``claim_invalid``, ``value_not_expected``.
        NotFound: ``identity_not_found``, ``picture_not_found``.
    """
    if field not in FIELDS:
        raise InvalidInput("field_unknown", "The profile has no such field.", field=field)
    pictures = await pictures_of(work, user_id) if field == "picture" else {}
    if source == OWN and field != "picture":
        await choose(work, user_id=user_id, field=field, source=source, value=value)
        return
    if value is not None:
        text = "Only your own words are given here; a picture is uploaded."
        raise InvalidInput("value_not_expected", text, field=field)
    if source == OWN and OWN not in pictures:
        raise NotFound("picture_not_found", "You have not uploaded a picture.")
    told: str | None = pictures.get(source)
    if source not in {OWN, NONE}:
        words = await _words_of(work, envelope, user_id=user_id, source=source)
        told = told if field == "picture" else words.offered()[field]
    await choose(work, user_id=user_id, field=field, source=source, value=told)


async def _words_of(work: Work, envelope: Envelope, *, user_id: str, source: str) -> Words:
    for record in await store.list_records(work, user_id):
        if identity_id(record.issuer, record.subject) == source:
            return await open_words(work, envelope, record)
    raise NotFound("identity_not_found", "There is no such account among yours.")
