"""Proof Key for Code Exchange: S256 and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

from limen.kernel.errors import OAuthRefusal
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.protocol.params import Params

METHOD: Final = "S256"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def parse_challenge(params: Params) -> str | None:
    """Read the challenge of an authorization request; ``None`` when none was sent.

    ``plain`` is refused, and so is a challenge without a method, which means ``plain``
    (RFC 7636 section 4.3). A method without a challenge is a client that believes itself
    protected and is not (N027).

    Raises:
        OAuthRefusal: ``invalid_request``.
    """
    challenge = params.one("code_challenge")
    method = params.one("code_challenge_method")
    if challenge is None and method is None:
        return None
    if challenge is None:
        raise OAuthRefusal("invalid_request", "code_challenge is missing.", field="code_challenge")
    if method != METHOD:
        raise OAuthRefusal(
            "invalid_request", "code_challenge_method must be S256.", field="code_challenge_method"
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal(
            "invalid_request",
            "code_challenge must be the 43 characters of a SHA-256.",
            field="code_challenge",
        )
    return challenge


def needs_challenge(*, public: bool, openid: bool, required_by_client: bool) -> bool:
    """Say whether an authorization request must carry a challenge.

    Always for public clients and for requests without ``openid``; for a confidential OpenID
    client, whose ``nonce`` can do the same, as its registration says (N030).
    """
    return public or not openid or required_by_client


def check_verifier(raw_verifier: Secret[str] | None, *, challenge: str | None) -> None:
    """Check that who redeems the code is who asked for it.

    Refused alike: no verifier for a challenge (N025), a verifier without one, which tells of a
    challenge stripped on the way (N026, RFC 9700 section 4.8), a wrong one (N028), a malformed
    one (N029).

    Raises:
        OAuthRefusal: ``invalid_grant``.
    """
    if challenge is None:
        if raw_verifier is None:
            return
        raise OAuthRefusal("invalid_grant", "This code was issued without a code_challenge.")
    if raw_verifier is None:
        raise OAuthRefusal("invalid_grant", "code_verifier is missing.", field="code_verifier")
    if not _VERIFIER.fullmatch(raw_verifier.reveal()):
        raise OAuthRefusal(
            "invalid_grant",
            "code_verifier must be 43 to 128 unreserved characters.",
            field="code_verifier",
        )
    if not hmac.compare_digest(s256(raw_verifier), challenge):
        raise OAuthRefusal("invalid_grant", "code_verifier does not match.", field="code_verifier")


def s256(raw_verifier: Secret[str]) -> str:
    """Return the challenge of a verifier (RFC 7636 section 4.2)."""
    return b64url(hashlib.sha256(raw_verifier.reveal().encode()).digest())


def new_verifier() -> Secret[str]:
    """Make a verifier of 256 random bits, for when we are the client."""
    return Secret(secrets.token_urlsafe(32))
