"""What whoever asked for a session is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.protocol.pkce import s256
from limen.vault.sessions import store
from limen.vault.sessions.confirm import CODE_KIND
from limen.vault.sessions.model import ConnectSession

ShownSessionState = Literal["pending", "completed", "refused", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """A session as whoever asked for it sees it.

    Args:
        connection_id: Once it is completed.
        reason: Why it was refused.
        expires_in: Seconds, while it is pending.
    """

    id: str
    provider: str
    state: ShownSessionState
    connection_id: str
    reason: str
    expires_in: int


async def get_session(work: Work, session_id: str) -> ShownSession:
    """Return how a session stands, to the same person through the same client.

    Raises:
        NotFound: ``connect_session_not_found``: none such, another's, or long over.
    """
    session = await store.find_session(work, session_id)
    if session is None:
        raise NotFound("connect_session_not_found", "There is no such connect session.")
    return _shown(work, session)


async def redeem_session(
    work: Work, session_id: str, *, raw_code: Secret[str], raw_verifier: Secret[str]
) -> ShownSession:
    """Take the code that the browser brought back, for who asked and can prove it.

    Raises:
        InvalidInput: ``code_invalid``: used, expired, another's, or not with this verifier.
    """
    redeemed = None
    if read(raw_code, kind=CODE_KIND) is not None:
        redeemed = await store.redeem(
            work, session_id, code_hash=token_hash(raw_code), challenge=s256(raw_verifier)
        )
    if redeemed is None:
        raise InvalidInput("code_invalid", "This code was used, has expired or is not yours.")
    return _shown(work, redeemed)


def _shown(work: Work, session: ConnectSession) -> ShownSession:
    state: ShownSessionState = "pending" if session.expires_at > work.now else "expired"
    match session.state:
        case "completed" | "refused" as ended:
            state = ended
        case _:
            pass
    left = session.expires_at - work.now
    return ShownSession(
        id=session.id,
        provider=session.provider,
        state=state,
        connection_id=session.connection_id,
        reason=session.reason,
        expires_in=int(left.total_seconds()) if state == "pending" else 0,
    )
