"""End all tokens of a user, of a client, or of the one at the other."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.oauth.pending.take_back import take_back
from limen.oauth.store.clients import find_client
from limen.oauth.store.codes import (
    drop_codes_of_client,
    drop_codes_of_consent,
    drop_codes_of_user,
)
from limen.tokens import principals
from limen.tokens.api_keys.revoke import revoke_keys_of
from limen.tokens.end_grant import (
    end_grants_of_client,
    end_grants_of_consent,
    end_grants_of_user,
)
from limen.tokens.events import OwnTokensEnded
from limen.tokens.find_grant import count_own_tokens


class Ended(NamedTuple):
    """What was ended.

    Args:
        revoked: How many of those that are listed.
        issued_before: Every access token that the client got before this moment has ended,
            those too that no list knows; ``None`` if not all of a client were meant.
    """

    revoked: int
    issued_before: dt.datetime | None = None


async def revoke_all_tokens(work: Work, *, user_id: str = "", client_id: str = "") -> Ended:
    """End all of a user, of a client, or of a user at a client; return what that was.

    What was granted and not fetched yet, codes and approvals, ends with them; of a client what it
    got for itself or by exchange and its API keys too, of which no list knows all.

    Raises:
        InvalidInput: ``filter_missing``: neither is named, and everybody's is never meant.
    """
    if not user_id and not client_id:
        raise InvalidInput("filter_missing", "Name a user, a client, or both.", field="user_id")
    await take_back(work, user_id=user_id, client_id=client_id)
    if user_id and client_id:
        await drop_codes_of_consent(work, user_id=user_id, client_id=client_id)
        return Ended(
            await end_grants_of_consent(
                work, user_id=user_id, client_id=client_id, reason="revoked"
            )
        )
    if user_id:
        await drop_codes_of_user(work, user_id)
        return Ended(await end_grants_of_user(work, user_id=user_id, reason="revoked"))
    await drop_codes_of_client(work, client_id)
    own = await _end_own(work, client_id)
    granted = await end_grants_of_client(work, client_id=client_id, reason="revoked")
    return own._replace(revoked=own.revoked + granted)


async def _end_own(work: Work, client_id: str) -> Ended:
    """End what a client holds without a grant to it; an unknown one holds nothing."""
    if await find_client(work, client_id) is None:
        return Ended(0)
    count = await count_own_tokens(work, client_id=client_id)
    await revoke_keys_of(work, principal_id=client_id)
    await principals.set_not_before(work, principal_id=client_id)
    await work.record(OwnTokensEnded(of_id=client_id, count=count))
    return Ended(count, issued_before=work.now)
