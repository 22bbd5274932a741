"""Which source each field of a profile follows, and taking over what that source says.

A source is ``own`` (the person), ``none`` (they want the field empty) or the id of an identity
at a provider. A field without a source takes the first that offers something; one that has a
value of unknown origin is its person's own: no provider overwrites what it did not write.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.accounts import store as people
from limen.accounts.claims import check_claims
from limen.accounts.events import AccountClosed, AccountReclaimed, ProfileChanged
from limen.accounts.profile import store
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound

OWN: Final = "own"
NONE: Final = "none"
FIELDS: Final = ("name", "given_name", "family_name", "locale", "picture")
"""What a provider may say of a person and be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What is used of a field, and where it is from.

    Args:
        source: Empty where nothing was ever said.
        since: ``None`` where nobody wrote down when.
    """

    value: str | None
    source: str
    since: dt.datetime | None


async def used_fields(work: Work, *, user: User) -> dict[str, Used]:
    """Return every field of a person's profile with its provenance."""
    sources = await store.list_sources(work, user.id)
    used = {}
    for field in FIELDS:
        value, row = user.claims.get(field), sources.get(field)
        unknown = OWN if value is not None else ""
        used[field] = Used(
            value=None if value is None else str(value),
            source=unknown if row is None else row.source,
            since=None if row is None else row.changed_at,
        )
    return used


async def offer(
    work: Work, *, user_id: str, source: str, told: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Take over what a source says, where a field follows it or nothing; return what changed.

    What is no valid claim is passed over: a provider's nonsense is no reason to refuse anybody.

    Args:
        work: The transaction.
        user_id: Whose profile.
        source: Who says so.
        told: By field; ``None`` leaves a field as it is.
    """
    user = await people.lock_user(work, user_id)
    if user is None or user.state == "closed":
        return ()
    sources = await store.list_sources(work, user_id)
    changes: dict[str, Any] = {}
    for field, value in told.items():
        if field not in FIELDS or value is None:
            continue
        row = sources.get(field)
        follows = row.source == source if row is not None else user.claims.get(field) is None
        if not follows or user.claims.get(field) == value or not _is_valid(field, value):
            continue
        changes[field] = value
        if row is None:
            await store.put_source(work, user_id=user_id, field=field, source=source)
    await _write(work, user, changes)
    return tuple(sorted(changes))


async def choose(work: Work, *, user_id: str, field: str, source: str, value: str | None) -> None:
    """Have a field follow a source from now on, and take this value of it.

    Args:
        work: The transaction.
        user_id: Whose profile.
        field: One of ``FIELDS``.
        source: ``own``, ``none`` or an identity's id, which the caller checked.
        value: What the source says; ``None`` empties the field.

    Raises:
        InvalidInput: ``field_unknown``, ``claim_invalid``.
        NotFound: ``user_not_found``.
    """
    if field not in FIELDS:
        raise InvalidInput("field_unknown", "The profile has no such field.", field="field")
    checked = check_claims({field: value})
    user = await people.lock_user(work, user_id)
    if user is None or user.state == "closed":
        raise NotFound("user_not_found", "There is no such person here.")
    await store.put_source(work, user_id=user_id, field=field, source=source)
    if checked.get(field) != user.claims.get(field):
        await _write(work, user, {field: value})


async def withdraw(work: Work, *, user_id: str, source: str, field: str = "") -> None:
    """A source is gone: its picture too; its words stay and are the person's own now."""
    user = await people.lock_user(work, user_id)
    if user is None:
        return
    for row in (await store.list_sources(work, user_id)).values():
        if row.source != source or (field and row.field != field):
            continue
        if row.field == "picture":
            await store.put_source(work, user_id=user_id, field=row.field, source=NONE)
            await _write(work, user, {"picture": None})
        else:
            await store.put_source(work, user_id=user_id, field=row.field, source=OWN)


async def forget_profile(work: Work, event: AccountClosed | AccountReclaimed) -> None:
    """Delete pictures and provenance: the account is closed, or somebody else's now."""
    await store.forget_profile(work, event.user_id)


async def _write(work: Work, user: User, changes: Mapping[str, Any]) -> None:
    if not changes:
        return
    kept = {name: value for name, value in user.claims.items() if name not in changes}
    said = {name: value for name, value in changes.items() if value is not None}
    await people.put_claims(work, user.id, kept | said)
    user.claims.clear()
    user.claims.update(kept | said)
    await work.record(ProfileChanged(user_id=user.id, members=tuple(sorted(changes))))


def _is_valid(field: str, value: str) -> bool:
    try:
        check_claims({field: value})
    except InvalidInput:
        return False
    return True
