"""An issuer's published keys, fetched and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.kernel.errors import ProviderUnavailable, Unavailable
from limen.net.client import Net
from limen.net.freshness import MOST_SECONDS, fresh_seconds
from limen.protocol.jwk import InvalidKey, KeySet, bare_key_set, import_key_set

_REREAD_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Published:
    """A JWK Set as somebody publishes it.

    Attributes:
        jwks: What the document says of keys.
        keys: Those of it that verify signatures.
    """

    jwks: Mapping[str, Any]
    keys: KeySet


class RemoteKeys:
    """A cached JWK Set.

    Kept as its cache headers say, within 5 minutes and 24 hours; read again on an unknown
    ``kid``, at most once in 60 seconds, however many invented ones arrive (N083). When the
    issuer can't be reached the keys at hand serve on, up to 24 hours.

    Args:
        net: The outbound client.
        url: The issuer's ``jwks_uri``.
        seconds: A clock that only counts; tests hand in their own.
        max_bytes: Of the document; ``None`` for the client's own bound.
    """

    def __init__(
        self,
        net: Net,
        url: str,
        *,
        seconds: Callable[[], float] = time.monotonic,
        max_bytes: int | None = None,
    ) -> None:
        self._net = net
        self._url = url
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._known: Published | None = None
        self._read_at = self._tried_at = float("-inf")
        self._fresh_for = 0.0
        self._reading = asyncio.Lock()

    async def get(self, kid: str | None) -> KeySet:
        """Return the keys, fetching them if they are old or do not hold this one.

        Raises:
            Unavailable: If there are none at hand and none to be had.
        """
        return (await self.published(kid)).keys

    def at_hand(self, kid: str | None) -> Published | None:
        """Return the set if it will do as it is; ``None`` if it has to be fetched."""
        return None if self._needs_reading(kid) else self._still_good()

    def held(self) -> Published | None:
        """Return the set as it was last read, fresh or not, for who can't wait for it."""
        return self._still_good()

    async def published(self, kid: str | None) -> Published:
        """Return the whole set; otherwise as ``get``.

        Raises:
            Unavailable: If there is none at hand and none to be had.
        """
        if self._needs_reading(kid):
            async with self._reading:
                if self._needs_reading(kid):
                    await self._read()
        known = self._still_good()
        if known is None:
            raise Unavailable("issuer_unavailable", "The issuer's keys can't be read now.")
        return known

    def _still_good(self) -> Published | None:
        return self._known if self._seconds() - self._read_at < MOST_SECONDS else None

    def _needs_reading(self, kid: str | None) -> bool:
        now = self._seconds()
        if self._known is None:
            return now - self._tried_at >= _RETRY_SECONDS
        stale = now - self._read_at >= self._fresh_for
        unknown = kid is not None and kid not in self._known.keys
        return (stale or unknown) and now - self._tried_at >= _REREAD_SECONDS

    async def _read(self) -> None:
        try:
            answer = await self._net.fetch(
                "GET",
                self._url,
                headers={"Accept": "application/json"},
                max_bytes=self._max_bytes,
            )
            if answer.status != 200:
                return
            document = answer.json_object()
            self._known = Published(bare_key_set(document), import_key_set(document))
        except (ProviderUnavailable, InvalidKey):
            return
        finally:
            # Not before: who comes meanwhile waits for this answer and does not go without.
            self._tried_at = self._seconds()
        self._read_at = self._seconds()
        self._fresh_for = fresh_seconds(answer)
