"""Revoke a token its client no longer wants (RFC 7009)."""

from __future__ import annotations

import datetime as dt

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.clock import from_timestamp
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.tokens import access_store
from limen.tokens.api_keys.find import is_api_key
from limen.tokens.api_keys.revoke import revoke_shown_key
from limen.tokens.end_grant import end_grant
from limen.tokens.events import TokenRevoked
from limen.tokens.find_grant import find_grant
from limen.tokens.issue_access_token import OPAQUE_KIND
from limen.tokens.look_up import verified_claims
from limen.tokens.refresh_token import PREFIX, read_refresh


async def revoke_token(
    work: Work, *, keyring: Keyring, envelope: Envelope, raw: Secret[str], client_id: str
) -> None:
    """Revoke a token: of a refresh token the whole grant, of an access token or key that one.

    Unknown, expired and malformed tokens are fine, there is nothing to revoke. Any refresh
    token of the client's that was ever current will do: who revokes an old one wants it over.

    Args:
        work: Durable before the client hears of it (N092).
        keyring: Verifies JWTs.
        envelope: Verifies refresh tokens.
        raw: As received.
        client_id: Who asks, authenticated.

    Raises:
        OAuthRefusal: ``invalid_grant`` when it is another client's; nothing is revoked.

    Spec: RFC 7009 §2.1.
    """
    if raw.reveal().startswith(PREFIX):
        await _revoke_refresh(work, envelope, raw, client_id=client_id)
        return
    if is_api_key(raw):
        await revoke_shown_key(work, raw=raw, client_id=client_id)
        return
    found = await _find_access(work, keyring, raw)
    if found is None:
        return
    jti, owner, expires_at = found
    _check_owner(owner, client_id)
    await revoke_jti(work, jti=jti, client_id=owner, expires_at=expires_at)


async def revoke_jti(work: Work, *, jti: str, client_id: str, expires_at: dt.datetime) -> None:
    """Revoke one access token by its ``jti``.

    Args:
        work: The transaction.
        jti: Which.
        client_id: Whose it is, for the audit log.
        expires_at: When the revocation may be forgotten: not before the token's ``exp``.
    """
    if await access_store.add_revoked(work, jti=jti, expires_at=expires_at):
        await work.record(TokenRevoked(jti=jti, client_id=client_id))


async def _revoke_refresh(
    work: Work, envelope: Envelope, raw: Secret[str], *, client_id: str
) -> None:
    token = await read_refresh(work, envelope, raw)
    if token is None:
        return
    grant = await find_grant(work, grant_id=token.grant_id)
    if grant is None:
        return
    _check_owner(grant.client_id, client_id)
    await end_grant(work, grant_id=grant.id, reason="revoked")


async def _find_access(
    work: Work, keyring: Keyring, raw: Secret[str]
) -> tuple[str, str, dt.datetime] | None:
    opaque = read(raw, kind=OPAQUE_KIND)
    if opaque is not None:
        return await access_store.owner_of_opaque(work, token_hash(raw))
    claims = await verified_claims(work, keyring=keyring, raw=raw)
    if claims is None:
        return None
    return claims["jti"], claims["client_id"], from_timestamp(claims["exp"])


def _check_owner(owner: str, client_id: str) -> None:
    if owner != client_id:
        raise OAuthRefusal("invalid_grant", "The token was issued to another client.")
