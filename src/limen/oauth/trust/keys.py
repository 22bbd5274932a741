"""The keys of trusted issuers: by value, or published where they said."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

from limen.db.work import Work
from limen.net.client import Net
from limen.oauth.trust.issuer import TrustedIssuer
from limen.protocol.jwk import KeySet, import_key_set
from limen.tokens.resource.remote_keys import RemoteKeys

MAX_SETS: Final = 500
MAX_JWKS_BYTES: Final = 131_072


@final
class TrustedKeys:
    """Finds an issuer's keys, and no other's: a ``kid`` never chooses the issuer.

    Fetched sets are kept as ``RemoteKeys`` says: a thousand unknown ids cause one request a
    minute (N083).

    Args:
        net: The one way out.
        seconds: A clock that only counts; tests hand in their own.
    """

    def __init__(self, net: Net, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._net = net
        self._seconds = seconds
        self._fetched: OrderedDict[tuple[str, str, str], RemoteKeys] = OrderedDict()

    async def keys_of(self, work: Work, trusted: TrustedIssuer, *, kid: str | None) -> KeySet:
        """Return the keys that an issuer's assertions are verified with.

        Args:
            work: Clean, if the keys may have to be fetched: no transaction waits for that.
            trusted: Whose.
            kid: The one wanted; an unknown one has the set read again.

        Raises:
            Unavailable: There are none at hand and none to be had.
        """
        if trusted.trust.jwks_uri is None:
            return import_key_set(trusted.trust.jwks or {})
        remote = self._remote(work, trusted, trusted.trust.jwks_uri)
        at_hand = remote.at_hand(kid)
        if at_hand is None:
            await work.let_go()
            at_hand = await remote.published(kid)
        return at_hand.keys

    def _remote(self, work: Work, trusted: TrustedIssuer, jwks_uri: str) -> RemoteKeys:
        name = (work.tenant_id, trusted.issuer, jwks_uri)
        remote = self._fetched.get(name)
        if remote is None:
            remote = RemoteKeys(
                self._net, jwks_uri, seconds=self._seconds, max_bytes=MAX_JWKS_BYTES
            )
            self._fetched[name] = remote
        self._fetched.move_to_end(name)
        while len(self._fetched) > MAX_SETS:
            self._fetched.popitem(last=False)
        return remote
