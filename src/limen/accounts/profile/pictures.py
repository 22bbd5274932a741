"""A person's pictures: uploaded by them, or fetched from where a provider shows them."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from dataclasses import dataclass
from typing import Final

from limen.accounts.events import PictureChanged
from limen.accounts.profile import store
from limen.accounts.profile.encode import MAX_BYTES, Shape, encode_picture
from limen.accounts.profile.sources import NONE, OWN, choose, offer, withdraw
from limen.db.work import Work
from limen.kernel import slow_step
from limen.kernel.errors import NotFound
from limen.kernel.ids import new_id
from limen.kernel.site import Site
from limen.kernel.tokens import random_secret

__all__ = ["MAX_BYTES", "Encoder", "keep_picture", "picture_url", "read_picture", "remove_own"]
PATH: Final = "/pictures"


@dataclass(frozen=True, slots=True)
class Encoder:
    """Makes pictures anew, one at a time: decoding takes memory."""

    turn: asyncio.Semaphore

    async def encode(self, given: bytes, *, shape: Shape = "square") -> bytes:
        """Return the picture as it may be kept, made in a thread.

        Raises:
            InvalidInput: ``picture_invalid``.
        """
        slow_step.entering("picture")
        async with self.turn:
            return await asyncio.to_thread(functools.partial(encode_picture, given, shape=shape))


def new_encoder() -> Encoder:
    """Return an encoder of this process."""
    return Encoder(asyncio.Semaphore(1))


async def keep_own(work: Work, *, user_id: str, image: bytes) -> str:
    """Keep a picture its person uploaded, and use it from now on; return its address.

    Args:
        work: The transaction.
        user_id: Whose.
        image: Made anew by an ``Encoder``.
    """
    url = await keep_picture(work, user_id=user_id, source=OWN, image=image, origin="")
    await choose(work, user_id=user_id, field="picture", source=OWN, value=url)
    return url


async def keep_picture(work: Work, *, user_id: str, source: str, image: bytes, origin: str) -> str:
    """Keep a picture, offer it to whatever follows its source, and return its address.

    Its id is random: who was not given the address does not find it, and a new picture has a
    new address, so that either may be cached for ever.
    """
    picture_id = f"{new_id(work.now)}{random_secret().reveal()[:11]}"
    await store.put_picture(
        work,
        user_id=user_id,
        source=source,
        picture_id=picture_id,
        origin_hash=origin_hash(origin),
        image=image,
    )
    url = picture_url(work.site, picture_id)
    await offer(work, user_id=user_id, source=source, told={"picture": url})
    await work.record(PictureChanged(user_id=user_id, source=source))
    return url


async def has_picture_of(work: Work, *, user_id: str, source: str, origin: str) -> bool:
    """Whether what stands at an address at a provider was kept already."""
    kept = (await store.list_pictures(work, user_id)).get(source)
    return kept is not None and kept.origin_hash == origin_hash(origin)


async def pictures_of(work: Work, user_id: str) -> dict[str, str]:
    """Return the addresses of a person's pictures by source."""
    kept = await store.list_pictures(work, user_id)
    return {source: picture_url(work.site, each.id) for source, each in kept.items()}


async def drop_picture(work: Work, *, user_id: str, source: str) -> None:
    """Delete what a source gave; a profile that showed it shows none."""
    if await store.drop_picture(work, user_id=user_id, source=source):
        await withdraw(work, user_id=user_id, source=source, field="picture")
        await work.record(PictureChanged(user_id=user_id, source=source))


async def remove_own(work: Work, *, user_id: str) -> None:
    """Delete the uploaded picture and show none; no provider fills its place by itself."""
    await drop_picture(work, user_id=user_id, source=OWN)
    await choose(work, user_id=user_id, field="picture", source=NONE, value=None)


async def read_picture(work: Work, *, picture_id: str) -> bytes:
    """Return the bytes of a picture, for whoever has its address.

    Raises:
        NotFound: ``picture_not_found``.
    """
    image = await store.find_image(work, picture_id)
    if image is None:
        raise NotFound("picture_not_found", "There is no such picture.")
    return image


def picture_url(site: Site, picture_id: str) -> str:
    """Return where a picture is served."""
    return f"{site.issuer}{PATH}/{picture_id}"


def origin_hash(origin: str) -> bytes:
    """Return what is kept of the address a picture was fetched from."""
    return hashlib.sha256(origin.encode()).digest()
