"""DPoP proofs: that whoever sends a request holds a key (RFC 9449 section 4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.protocol.client_assertion import FAPI_ALGS, KEY_ALGS
from limen.protocol.jose import Claims, JwtRefused, parse_compact
from limen.protocol.jwk import InvalidKey, PublicKey, import_public
from limen.protocol.jwt import check_header, check_signature
from limen.protocol.jwt_claims import read_moment
from limen.protocol.sender.refusal import ProofRefused
from limen.protocol.sender.target import normal_target

PROOF_ALGS: Final = tuple(sorted(KEY_ALGS))
"""What proofs are signed with, as all that clients sign."""
FAPI_PROOF_ALGS: Final = FAPI_ALGS
"""The same under FAPI 2.0 Security Profile section 5.4.1."""

MAX_AGE: Final = dt.timedelta(seconds=60)
LEEWAY: Final = dt.timedelta(seconds=10)
"""How far ahead a client's clock may be."""
MAX_PROOF_CHARACTERS: Final = 8192

_TYPES: Final = ("dpop+jwt",)
_MAX_JTI_CHARACTERS: Final = 256
_MAX_NONCE_CHARACTERS: Final = 256
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedProof:
    """The request that a proof has to be made for.

    Args:
        method: Of HTTP, as it came.
        targets: Our addresses for it, never what the request's headers say: an attacker who
            has a proof for another server chooses those.
        raw_access_token: The token it comes with; ``None`` where tokens are asked for.
        algorithms: Never empty.
    """

    method: str
    targets: tuple[str, ...]
    raw_access_token: Secret[str] | None
    algorithms: frozenset[str] = KEY_ALGS

    def __post_init__(self) -> None:
        if not self.targets or not self.algorithms:
            raise ValueError("a verifier that expects nothing would accept anything")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that holds, but for its nonce and for its being presented the first time.

    Attributes:
        jkt: SHA-256 thumbprint of its key (RFC 7638).
        jti: Unique among those of its key.
        nonce: ``None`` if it carries none.
        until: From when on it is refused for its age, by the slowest clock of our nodes.
    """

    jkt: str
    jti: str
    nonce: str | None
    until: dt.datetime


def read_proof(lines: Sequence[str]) -> str | None:
    """Return the proof of a request's ``DPoP`` headers; ``None`` if there is none.

    Raises:
        ProofRefused: Several: which one counts, nobody can tell.
    """
    if not lines:
        return None
    if len(lines) > 1:
        raise ProofRefused("several", "Send one DPoP header.")
    return lines[0].strip(" \t")


def is_thumbprint(value: str) -> bool:
    """Say whether a value can be a SHA-256 thumbprint: ``dpop_jkt`` must be one."""
    return _THUMBPRINT.fullmatch(value) is not None


def access_token_hash(raw: Secret[str]) -> str:
    """Return ``ath``, which ties a proof to a token (RFC 9449 section 4.2)."""
    return b64url(hashlib.sha256(raw.reveal().encode("utf-8", "surrogatepass")).digest())


def verify_proof(raw: str, *, expected: ExpectedProof, now: dt.datetime) -> Proof:
    """Return what a proof says, if it was made for this request, and just now.

    Its key comes from its own header: that it is the right one, whoever compares ``jkt`` says.

    Args:
        raw: As received, from ``read_proof``.
        expected: The request.
        now: The moment.

    Raises:
        ProofRefused: If anything is otherwise; ``reason`` is for the log.

    Spec: RFC 9449 §4.3.
    """
    if len(raw) > MAX_PROOF_CHARACTERS:
        raise ProofRefused("too long")
    try:
        token = parse_compact(raw)
        alg = check_header(token, algorithms=expected.algorithms, typ=_TYPES)
        key = _key(token.header)
        check_signature(token, key, alg)
        issued_at = _check_times(token.claims, now)
    except (JwtRefused, InvalidKey) as refusal:
        raise ProofRefused(refusal.detail or refusal.code) from None
    _check_request(token.claims, expected)
    return Proof(
        jkt=key.key.thumbprint(),
        jti=_text(token.claims, "jti", most=_MAX_JTI_CHARACTERS),
        nonce=_nonce(token.claims),
        until=issued_at + MAX_AGE + LEEWAY,
    )


def _key(header: Mapping[str, Any]) -> PublicKey:
    """Import the key in the header: a public one, with nothing private or shared beside it."""
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        raise ProofRefused("jwk")
    return import_public(jwk)


def _check_times(claims: Claims, now: dt.datetime) -> dt.datetime:
    """Check when it was made; ``exp`` and ``nbf`` count if they are there."""
    issued_at, exp, nbf = (read_moment(claims, name) for name in ("iat", "exp", "nbf"))
    if issued_at is None:
        raise ProofRefused("iat")
    if not now - MAX_AGE < issued_at <= now + LEEWAY:
        raise ProofRefused(
            "iat", "The DPoP proof is too old, or made in the future: look at the clock."
        )
    if (exp is not None and exp <= now - LEEWAY) or (nbf is not None and nbf > now + LEEWAY):
        raise ProofRefused("exp or nbf")
    return issued_at


def _check_request(claims: Claims, expected: ExpectedProof) -> None:
    """Check method, address and token: a proof is for one request of one kind (N101)."""
    if claims.get("htm") != expected.method:
        raise ProofRefused("htm", "htm of the DPoP proof is not this request's method.")
    named = claims.get("htu")
    target = normal_target(named) if isinstance(named, str) else None
    if target is None or target not in {normal_target(each) for each in expected.targets}:
        raise ProofRefused("htu", "htu of the DPoP proof is not this request's address.")
    if expected.raw_access_token is not None:
        ath = _text(claims, "ath", most=_MAX_JTI_CHARACTERS).encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(ath, access_token_hash(expected.raw_access_token).encode()):
            raise ProofRefused("ath", "ath of the DPoP proof is not this access token's hash.")


def _nonce(claims: Claims) -> str | None:
    return _text(claims, "nonce", most=_MAX_NONCE_CHARACTERS) if "nonce" in claims else None


def _text(claims: Claims, name: str, *, most: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > most:
        raise ProofRefused(name, f"{name} of the DPoP proof is missing, or no short string.")
    return value
