"""The SQL of profile sources and pictures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.accounts.profile.tables import profile_sources, user_pictures
from limen.db.types import upsert
from limen.db.work import Work

_s = profile_sources.c
_p = user_pictures.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a field follows, and since when."""

    field: str
    source: str
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture that is kept, without its bytes."""

    id: str
    source: str
    origin_hash: bytes


_OF_USER: Final = (
    _s.tenant_id == bindparam("tenant_id"),
    _s.user_id == bindparam("user_id"),
)
_LIST = sa.select(_s.field, _s.source, _s.changed_at).where(*_OF_USER)
_PUT = upsert(
    profile_sources,
    conflict=("tenant_id", "user_id", "field"),
    changes={
        "source": bindparam("source"),
        "changed_at": bindparam("changed_at", type_=_s.changed_at.type),
    },
)
_FORGET = sa.delete(profile_sources).where(*_OF_USER)
_PICTURES_OF: Final = (
    _p.tenant_id == bindparam("tenant_id"),
    _p.user_id == bindparam("user_id"),
)
_LIST_PICTURES = sa.select(_p.id, _p.source, _p.origin_hash).where(*_PICTURES_OF)
_IMAGE = sa.select(_p.image).where(
    _p.tenant_id == bindparam("tenant_id"), _p.id == bindparam("picture_id")
)
_PUT_PICTURE = upsert(
    user_pictures,
    conflict=("tenant_id", "user_id", "source"),
    changes={
        "id": bindparam("id"),
        "origin_hash": bindparam("origin_hash"),
        "image": bindparam("image"),
        "kept_at": bindparam("kept_at", type_=_p.kept_at.type),
    },
)
_DROP_PICTURE = (
    sa.delete(user_pictures).where(*_PICTURES_OF, _p.source == bindparam("source")).returning(_p.id)
)
_DROP_PICTURES = sa.delete(user_pictures).where(*_PICTURES_OF)


async def list_sources(work: Work, user_id: str) -> dict[str, Followed]:
    """Return what each field of a person follows."""
    rows = (await work.execute(_LIST, user_id=user_id)).all()
    return {row.field: Followed(**row._asdict()) for row in rows}


async def put_source(work: Work, *, user_id: str, field: str, source: str) -> None:
    """Have a field follow a source."""
    await work.execute(_PUT, user_id=user_id, field=field, source=source, changed_at=work.now)


async def list_pictures(work: Work, user_id: str) -> dict[str, Kept]:
    """Return a person's pictures by source."""
    rows = (await work.execute(_LIST_PICTURES, user_id=user_id)).all()
    return {row.source: Kept(**row._asdict()) for row in rows}


async def find_image(work: Work, picture_id: str) -> bytes | None:
    """Return the bytes of a picture."""
    row = (await work.execute(_IMAGE, picture_id=picture_id)).first()
    return None if row is None else bytes(row.image)


async def put_picture(
    work: Work, *, user_id: str, source: str, picture_id: str, origin_hash: bytes, image: bytes
) -> None:
    """Keep a picture in place of the one its source gave before."""
    await work.execute(
        _PUT_PICTURE,
        user_id=user_id,
        source=source,
        id=picture_id,
        origin_hash=origin_hash,
        image=image,
        kept_at=work.now,
    )


async def drop_picture(work: Work, *, user_id: str, source: str) -> bool:
    """Delete what a source gave; ``False`` if it gave nothing."""
    rows = await work.execute(_DROP_PICTURE, user_id=user_id, source=source)
    return rows.first() is not None


async def forget_profile(work: Work, user_id: str) -> None:
    """Delete a person's pictures and what their fields follow."""
    await work.execute(_DROP_PICTURES, user_id=user_id)
    await work.execute(_FORGET, user_id=user_id)
