"""The public keys of a client: registered by value, or published at its ``jwks_uri``."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, final

from limen.db.work import Work
from limen.kernel.errors import Unavailable
from limen.net.client import Net
from limen.oauth.model import Client
from limen.protocol.jwk import InvalidKey, KeySet, import_key_set
from limen.tokens.resource.remote_keys import Published, RemoteKeys

MAX_SETS: Final = 2000
MAX_JWKS_BYTES: Final = 131_072


@final
class ClientKeys:
    """Finds a client's keys, and no other's.

    A set that was fetched is kept as ``RemoteKeys`` says: by its cache headers within 5 minutes
    and 24 hours, read again on an unknown ``kid`` at most once in 60 seconds (N083, N240).
    What is kept is filed under tenant, client and address together: a ``kid`` never leads to
    another client's keys (N065).

    Args:
        net: The one way out.
        seconds: A clock that only counts; tests hand in their own.
        max_sets: The least recently used goes first.
    """

    def __init__(
        self,
        net: Net,
        *,
        seconds: Callable[[], float] = time.monotonic,
        max_sets: int = MAX_SETS,
    ) -> None:
        self._net = net
        self._seconds = seconds
        self._max_sets = max_sets
        self._fetched: OrderedDict[tuple[str, str, str], RemoteKeys] = OrderedDict()
        self._inline: OrderedDict[tuple[str, str, int], Published] = OrderedDict()

    async def keys_of(self, work: Work, client: Client, *, kid: str | None = None) -> KeySet:
        """Return the keys a client's signatures are verified with.

        Args:
            work: Clean, if the keys may have to be fetched: no transaction waits for that.
            client: Whose.
            kid: The one wanted; an unknown one has the set read again. It may still be missing.

        Raises:
            Unavailable: There are none at hand and none to be had.
        """
        return (await self._published(work, client, kid=kid)).keys

    async def jwks_of(self, work: Work, client: Client) -> Mapping[str, Any]:
        """Return a client's JWK Set as it published it, to choose a key to encrypt to.

        Where something was written already, no call is waited for: the set as last read will
        do, for an answer in the middle of a journey whose beginning read it.

        Raises:
            Unavailable: As ``keys_of``.
        """
        if work.dirty and client.metadata.jwks_uri is not None:
            held = self._remote(work, client, client.metadata.jwks_uri).held()
            if held is not None:
                return held.jwks
        return (await self._published(work, client, kid=None)).jwks

    async def _published(self, work: Work, client: Client, *, kid: str | None) -> Published:
        jwks_uri = client.metadata.jwks_uri
        if jwks_uri is None:
            return self._registered(work, client)
        remote = self._remote(work, client, jwks_uri)
        at_hand = remote.at_hand(kid)
        if at_hand is not None:
            return at_hand
        await work.let_go()
        return await remote.published(kid)

    def _registered(self, work: Work, client: Client) -> Published:
        """Import keys by value once per version of the client: RSA keys cost time to read."""
        jwks = client.metadata.jwks
        if jwks is None:
            raise Unavailable("client_keys_unavailable", "The client registered no keys.")
        name = (work.tenant_id, client.client_id, client.version)
        known = self._inline.get(name)
        if known is None or known.jwks != jwks:
            try:
                known = Published(jwks, import_key_set(jwks))
            except InvalidKey as error:
                raise Unavailable("client_keys_unavailable", detail=error.public) from error
            self._inline[name] = known
        _keep_newest(self._inline, name, most=self._max_sets)
        return known

    def _remote(self, work: Work, client: Client, jwks_uri: str) -> RemoteKeys:
        name = (work.tenant_id, client.client_id, jwks_uri)
        remote = self._fetched.get(name)
        if remote is None:
            remote = RemoteKeys(
                self._net, jwks_uri, seconds=self._seconds, max_bytes=MAX_JWKS_BYTES
            )
            self._fetched[name] = remote
        _keep_newest(self._fetched, name, most=self._max_sets)
        return remote


def _keep_newest(kept: OrderedDict[Any, Any], name: object, *, most: int) -> None:
    kept.move_to_end(name)
    while len(kept) > most:
        kept.popitem(last=False)
