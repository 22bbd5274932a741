"""End every session and every token of a person."""

from __future__ import annotations

from limen.db.work import Work
from limen.sessions.revoke import revoke_all
from limen.tokens import principals
from limen.tokens.api_keys.revoke import revoke_keys_of
from limen.tokens.end_grant import end_grants_of_user


async def end_everything(work: Work, *, user_id: str, reason: str) -> None:
    """Sign a person out everywhere, apps with offline access and API keys included (N048, N178).

    What was begun before this moment and is not a row yet, a code being redeemed say, is
    refused too.
    """
    await revoke_all(work, user_id=user_id, reason=reason)
    await end_grants_of_user(work, user_id=user_id, reason=reason)
    await revoke_keys_of(work, principal_id=user_id)
    await principals.set_not_before(work, principal_id=user_id)
