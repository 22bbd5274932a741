"""The key that clients may encrypt request objects to (RFC 9101 section 6.1).

Made anew from a secret of the tenant wherever it is needed, so that all nodes have the same one
and no row holds it. What is encrypted to it is read within minutes and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc.jwk import ECKey

from limen.kernel.secret import Secret
from limen.protocol.jose import JwtRefused, decode_part, parse_object
from limen.protocol.jwe import KeyManagement, decrypt

REQUEST_KEY_MANAGEMENT: Final[tuple[KeyManagement, ...]] = (
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
)
"""What our key can do; discovery advertises it."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (SEC 2, section 2.4.2)."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A tenant's key pair for request objects.

    Attributes:
        jwk: The public half, as our key set has it.
    """

    jwk: dict[str, Any]
    _private: ECKey = field(repr=False)

    def open(self, raw: str, *, alg: str | None, enc: str | None) -> str:
        """Return the signed object in an encrypted one.

        Args:
            raw: Five parts.
            alg: What the client registered; ``None`` for any of ours.
            enc: The same for the content.

        Raises:
            JwtRefused: Whatever is wrong with it.
        """
        header = parse_object(decode_part(raw.partition(".")[0]))
        if alg is not None and (header.get("alg"), header.get("enc")) != (alg, enc):
            raise JwtRefused("alg")
        try:
            return decrypt(raw, self._private).decode("ascii")
        except UnicodeDecodeError:
            raise JwtRefused("encoding") from None


def request_key(seed: Secret[bytes]) -> RequestKey:
    """Make a key pair of 32 secret bytes; the same ones make the same pair."""
    scalar = int.from_bytes(seed.reveal(), "big") % (_ORDER - 1) + 1
    made = ec.derive_private_key(scalar, ec.SECP256R1())
    private = ECKey.import_key(
        made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    public = private.as_dict(private=False)
    return RequestKey({**public, "use": "enc", "kid": private.thumbprint()}, private)
