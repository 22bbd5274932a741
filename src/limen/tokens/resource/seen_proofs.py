"""DPoP proofs that this process has seen, for an API that has no database to ask."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

from limen.kernel.errors import Unavailable
from limen.kernel.secret import Secret
from limen.protocol.sender.nonce import check_nonce
from limen.protocol.sender.proof import Proof
from limen.protocol.sender.refusal import replayed

MOST: Final = 200_000


class SeenProofs:
    """Remembers proofs until they are refused for their age; bounded, and never forgets early.

    An API of several processes shares it by routing a client to one of them, or takes a
    ``Source`` of its own; a nonce narrows what is left to minutes.

    Args:
        nonce_key: Of nonces, the same for all processes of the API; without it, none are in
            use, and none are looked at.
        most: How many at a time; beyond that nobody is let in, rather than anybody twice.
    """

    def __init__(self, *, nonce_key: Secret[bytes] | None = None, most: int = MOST) -> None:
        self._nonce_key = nonce_key
        self._most = most
        self._until: dict[bytes, dt.datetime] = {}

    def accept(self, proof: Proof, *, needs_nonce: bool, now: dt.datetime) -> str:
        """Take a proof, once; return the nonce for the next one, empty if none is in use.

        Raises:
            ProofRefused: It was presented before, or lacks a nonce of ours.
            Unavailable: There is no room for another, or no key for the nonces wanted.
        """
        nonce = ""
        if self._nonce_key is not None and (needs_nonce or proof.nonce is not None):
            nonce = check_nonce(proof.nonce, self._nonce_key, now=now)
        elif needs_nonce:
            raise Unavailable("nonces_unavailable", "Nonces are wanted, and there is no key.")
        if not self._is_first(proof, now=now):
            raise replayed()
        return nonce

    def _is_first(self, proof: Proof, *, now: dt.datetime) -> bool:
        name = hashlib.sha256(f"{proof.jkt} {proof.jti}".encode()).digest()
        if name in self._until:
            return False
        if len(self._until) >= self._most:
            self._until = {each: until for each, until in self._until.items() if until > now}
        if len(self._until) >= self._most:
            raise Unavailable("too_many_proofs", "There are too many requests at once.")
        self._until[name] = proof.until
        return True
