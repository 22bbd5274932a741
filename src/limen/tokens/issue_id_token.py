"""Issue ID tokens: who signed in, when and how, to the client that asked."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.protocol.claims_mapping import RESERVED_CLAIMS
from limen.protocol.jwk import EDDSA
from limen.protocol.jwt import sign


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenSpec:
    """What an ID token says.

    Args:
        client_id: Its audience.
        subject: ``sub`` as this client sees it.
        auth_time: When the person proved who they are.
        ttl: From now to ``exp``.
        algorithm: As the client registered: RS256 (the OIDC default), ES256, EdDSA or Ed25519.
        nonce: The authorization request's, byte for byte; ``None`` when it had none.
        acr: One the client asked for, or empty.
        amr: By what means the person signed in.
        sid: The session, for logout.
        raw_access_token: The one issued along with it, for ``at_hash``.
        claims: Claims about the person; reserved names are left out.
    """

    client_id: str
    subject: str
    auth_time: dt.datetime
    ttl: dt.timedelta
    algorithm: str = "RS256"
    nonce: str | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    sid: str | None = None
    raw_access_token: Secret[str] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


async def issue_id_token(work: Work, *, keyring: Keyring, spec: IdTokenSpec) -> str:
    """Make an ID token.

    Spec: OpenID Connect Core §2, §3.1.3.6.
    """
    claims = {name: value for name, value in spec.claims.items() if name not in RESERVED_CLAIMS}
    claims |= {
        "iss": work.site.issuer,
        "sub": spec.subject,
        "aud": spec.client_id,
        "iat": to_timestamp(work.now),
        "exp": to_timestamp(work.now + spec.ttl),
        "auth_time": to_timestamp(spec.auth_time),
    }
    said = {"nonce": spec.nonce, "acr": spec.acr or None, "sid": spec.sid}
    claims |= {name: value for name, value in said.items() if value is not None}
    if spec.amr:
        claims["amr"] = list(spec.amr)
    if spec.raw_access_token is not None:
        claims["at_hash"] = at_hash(spec.raw_access_token, spec.algorithm)
    key = await keyring.active(work, spec.algorithm)
    return sign(claims, key, typ="JWT", alg=spec.algorithm)


def at_hash(raw_access_token: Secret[str], algorithm: str) -> str:
    """Return the left half of the token's hash, by the hash of the signature's algorithm.

    Ed25519 hashes with SHA-512; an algorithm without a known hash is an error, never a guess
    (N076).

    Raises:
        ValueError: For such an algorithm.
    """
    if algorithm in EDDSA or algorithm.endswith("512"):
        kind = "sha512"
    elif algorithm.endswith("256"):
        kind = "sha256"
    elif algorithm.endswith("384"):
        kind = "sha384"
    else:
        raise ValueError(f"no hash is known for {algorithm}")
    digest = hashlib.new(kind, raw_access_token.reveal().encode("ascii")).digest()
    return b64url(digest[: len(digest) // 2])
