"""Whom a hint names."""

from __future__ import annotations

from limen.accounts.directory import find_user, find_user_by_email
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.oauth.authorization.asked import Desk
from limen.oauth.authorization.id_token_hint import hinted_subject
from limen.oauth.model import Client
from limen.protocol.decoupled.backchannel import BackchannelRequest
from limen.tokens.find_grant import find_user_of_subject


async def hinted_user(work: Work, *, client: Client, asked: BackchannelRequest, desk: Desk) -> User:
    """Return whom a client wants to be asked: by address, by ``sub``, or by an ID token of ours.

    A disabled account is as unknown as one that never was, and so is an address whose mailbox
    nobody proved: whoever opened an account with it could answer for its owner (N129).

    Raises:
        OAuthRefusal: ``unknown_user_id`` (CIBA section 13); ``invalid_request`` for an ID token
            that is not ours for this client.
    """
    if asked.id_token_hint is not None:
        found = await _by_id_token(work, client, asked.id_token_hint, desk=desk)
    else:
        found = await _by_login_hint(work, client, asked.login_hint or "")
    if found is None or not found.is_active:
        raise OAuthRefusal("unknown_user_id", "The hint names nobody who can be asked.")
    return found


async def _by_id_token(
    work: Work, client: Client, raw_hint: Secret[str], *, desk: Desk
) -> User | None:
    subject = await hinted_subject(
        work, keyring=desk.keyring, client_id=client.client_id, raw=raw_hint
    )
    return await _by_subject(work, client, subject)


async def _by_login_hint(work: Work, client: Client, hint: str) -> User | None:
    found = await find_user_by_email(work, hint)
    if found is not None:
        return found if found.is_verified else None
    return await _by_subject(work, client, hint)


async def _by_subject(work: Work, client: Client, subject: str) -> User | None:
    """Return whom a client knows as ``sub``; a pairwise one names nobody to other clients."""
    user_id: str | None = subject
    if client.metadata.subject_type == "pairwise":
        user_id = await find_user_of_subject(work, client_id=client.client_id, subject=subject)
    return None if user_id is None else await find_user(work, user_id)
