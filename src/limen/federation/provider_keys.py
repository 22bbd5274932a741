"""A provider's signing keys, read from where it publishes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from limen.federation.call import read_answer
from limen.federation.provider import OK
from limen.kernel.errors import ProviderUnavailable
from limen.net import Net
from limen.protocol.jwk import InvalidKey, KeySet, import_key_set

_KEPT_FOR: Final = dt.timedelta(hours=1)
_NOT_AGAIN_FOR: Final = dt.timedelta(minutes=1)
_MAX_SETS: Final = 1000


class ProviderKeys:
    """Keep each provider's keys for an hour; look again for an unknown one, once a minute.

    Args:
        net: The one way out.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._kept: dict[str, tuple[dt.datetime, KeySet]] = {}
        self._documents: dict[str, tuple[dt.datetime, Mapping[str, Any]]] = {}

    async def document(self, url: str, *, now: dt.datetime) -> Mapping[str, Any]:
        """Return what a provider publishes about its keys, asked for once an hour.

        Raises:
            ProviderUnavailable: It can't be read; nor is it asked again for a minute.
        """
        kept = self._documents.get(url)
        if kept is not None:
            age = now - kept[0]
            if dt.timedelta() <= age < (_KEPT_FOR if kept[1] else _NOT_AGAIN_FOR):
                return kept[1]
        if len(self._documents) >= _MAX_SETS:
            self._documents.clear()
        self._documents[url] = (now, {})  # whoever asks meanwhile, or after a failure
        answer = read_answer(
            await self._net.fetch("GET", url, headers={"Accept": "application/json"})
        )
        if answer.status != OK or not answer.is_object:
            raise ProviderUnavailable(detail=f"a document of keys answered {answer.status}")
        self._documents[url] = (now, answer.members)
        return answer.members

    async def find(self, jwks_uri: str, *, kid: object, now: dt.datetime) -> KeySet:
        """Return the keys published at an address, fresh enough for a token that names ``kid``.

        A thousand tokens with a thousand unknown ids cause one request a minute (N083).
        """
        kept = self._kept.get(jwks_uri)
        if kept is not None:
            age = now - kept[0]
            known = kid is None or kid in kept[1]
            if dt.timedelta() <= age < (_KEPT_FOR if known else _NOT_AGAIN_FOR):
                return kept[1]
        keys = await self._read(jwks_uri)
        if len(self._kept) >= _MAX_SETS:
            self._kept.clear()
        self._kept[jwks_uri] = (now, keys)
        return keys

    async def _read(self, jwks_uri: str) -> KeySet:
        headers = {"Accept": "application/json"}
        answer = read_answer(await self._net.fetch("GET", jwks_uri, headers=headers))
        if answer.status != OK or not answer.is_object:
            raise ProviderUnavailable(detail=f"keys answered {answer.status}")
        try:
            return import_key_set(answer.members)
        except InvalidKey as error:
            raise ProviderUnavailable(detail="keys unreadable") from error
