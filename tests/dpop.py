"""A client's DPoP key: makes proofs, good ones and, on request, bad ones."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Mapping
from typing import Any

from joserfc.jws import JWSRegistry

from limen.kernel.secret import Secret
from limen.protocol.jwk import KeyAlgorithm, SigningKey, generate_key
from limen.protocol.sender.proof import access_token_hash


def encode(part: Mapping[str, Any] | bytes) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_OF = {"ES256": {"ES256"}, "RS256": {"RS256", "PS256"}, "EdDSA": {"EdDSA", "Ed25519"}}


class DpopKey:
    """A key pair of a client.

    Args:
        alg: What it is made for; an RS256 key signs PS256 too.
    """

    def __init__(self, alg: KeyAlgorithm = "ES256") -> None:
        self.key: SigningKey = generate_key(alg)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a proof's header has it."""
        shown = self.key.public.jwk()
        return {name: shown[name] for name in shown.keys() - {"kid", "use", "alg"}}

    @property
    def jkt(self) -> str:
        """Its thumbprint."""
        return self.key.kid

    def proof(
        self,
        method: str,
        url: str,
        *,
        now: dt.datetime | None = None,
        token: str = "",
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Make a proof; a change to ``None`` takes a claim away."""
        moment = now or dt.datetime.now(dt.timezone.utc)
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(moment.timestamp()),
            **({"ath": access_token_hash(Secret(token))} if token else {}),
            **changes,
        }
        head = {"typ": "dpop+jwt", "alg": self.key.alg, "jwk": self.jwk, **(header or {})}
        return self.signed(_present(head), _present(claims))

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any] | bytes) -> str:
        """Sign whatever is given, by the header's algorithm where the key can."""
        text = f"{encode(header)}.{encode(claims)}"
        name = str(header.get("alg"))
        algorithm = JWSRegistry.algorithms[name if name in _OF[self.key.alg] else self.key.alg]
        return f"{text}.{encode(algorithm.sign(text.encode(), self.key.key))}"


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
