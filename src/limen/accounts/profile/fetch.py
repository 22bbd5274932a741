"""Fetch a picture from where somebody else shows it, made anew."""

from __future__ import annotations

from typing import Final

from limen.accounts.profile.encode import MAX_BYTES, Shape
from limen.accounts.profile.pictures import Encoder
from limen.kernel.errors import InvalidInput, NetRefused, ProviderUnavailable
from limen.net import Net
from limen.observe import logger

_DEADLINE_SECONDS: Final = 8.0
_OK: Final = 200
_GONE: Final = range(300, 500)
_NO_PICTURE: Final = frozenset({"provider_answer_too_large", "provider_unreadable"})
_log = logger("limen.pictures")


async def fetch_picture(
    net: Net, encoder: Encoder, url: str, *, shape: Shape = "square"
) -> bytes | None:
    """Return our own encoding of what stands at an address; ``None`` if that is no picture.

    What may be called is ``net``'s to say, as everywhere (N213); it follows no redirect. An
    address that may not be called, or shows no picture, is not worth asking again.

    Args:
        net: The one door out.
        encoder: Of this process.
        url: As somebody else said it.
        shape: What of the picture is kept.

    Raises:
        ProviderUnavailable: Its server does not answer, or not now: ask again later.
    """
    try:
        answer = await net.fetch(
            "GET",
            url,
            headers={"Accept": "image/webp,image/png,image/jpeg"},
            deadline_seconds=_DEADLINE_SECONDS,
            max_bytes=MAX_BYTES,
        )
    except ProviderUnavailable as refusal:
        if not isinstance(refusal, NetRefused) and refusal.code not in _NO_PICTURE:
            raise
        _log.info("picture refused", refusal=refusal.code)
        return None
    if answer.status in _GONE:
        return None
    if answer.status != _OK:
        raise ProviderUnavailable(detail=f"the picture's server answered {answer.status}")
    try:
        return await encoder.encode(answer.body, shape=shape)
    except InvalidInput as refusal:
        _log.info("picture refused", refusal=refusal.code)
        return None
