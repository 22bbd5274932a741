"""Yes or no to what came back, by the person and in the session that left for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from limen.db.work import Work
from limen.federation.finish import Finished
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.vault.connect import keep_finished
from limen.vault.parts import Parts
from limen.vault.sessions import store
from limen.vault.sessions.hold import open_held, refuse
from limen.vault.sessions.model import ConnectSession

CODE_KIND: Final = "lmcc"
_CODE_TTL: Final = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAccount:
    """What waits to be confirmed."""

    session: ConnectSession
    finished: Finished


async def look_at_held(work: Work, parts: Parts, *, provider: str, session_id: str) -> HeldAccount:
    """Return what waits for the actor, in this session of theirs.

    Raises:
        InvalidInput: ``confirmation_invalid``: nothing does; it was answered, or took too long.
    """
    session = await store.find_held(work, session_id)
    if session is None or session.provider != provider:
        raise _invalid()
    finished = await open_held(work, parts, session)
    if finished is None:
        raise _invalid()
    return HeldAccount(session=session, finished=finished)


async def confirm(work: Work, parts: Parts, held: HeldAccount) -> str:
    """Make the connection; return where the browser goes.

    An app that gave a challenge gets a one-time code there, and no id of anything of ours but
    the session's own.

    Raises:
        InvalidInput: ``confirmation_invalid``: somebody was faster.
        NotPermitted, NotFound, Conflict: As ``keep_finished``; then the session has failed.
    """
    session = held.session
    try:
        connected = await keep_finished(work, parts, held.finished)
    except (Conflict, NotFound) as refused:
        _fail_later(work, parts, session, reason=refused.code)
        raise
    raw_code = mint(CODE_KIND, work.tenant_id) if session.challenge else None
    taken = await store.complete(
        work,
        session.id,
        connection_id=connected.connection_id,
        code_hash=None if raw_code is None else token_hash(raw_code),
        code_until=None if raw_code is None else work.now + _CODE_TTL,
    )
    if not taken:
        raise _invalid()
    return way_back(session, raw_code=raw_code)


async def decline(work: Work, parts: Parts, held: HeldAccount) -> str:
    """End what came back; return where the browser goes."""
    if not await refuse(work, parts, held.session, reason="declined"):
        raise _invalid()
    return way_back(held.session, error="declined")


def way_back(
    session: ConnectSession, *, raw_code: Secret[str] | None = None, error: str = ""
) -> str:
    """Return where a session's browser goes: with a code, with an error, or as it was given."""
    return_to = str(session.wanted["return_to"])
    told = {"error": error}
    if session.challenge:
        told |= {"session": session.id, "state": session.app_state}
    if raw_code is not None:
        told["code"] = raw_code.reveal()
    if not session.challenge and return_to.startswith("/"):
        return return_to  # a page of ours shows what there is
    query = urlencode({name: value for name, value in told.items() if value}, quote_via=quote)
    return f"{return_to}{'&' if '?' in return_to else '?'}{query}" if query else return_to


def _fail_later(work: Work, parts: Parts, session: ConnectSession, *, reason: str) -> None:
    async def fail(later: Work) -> None:
        if reason == "account_mismatch":  # what came back was dealt with where that was found
            await store.refuse_held(later, session.id, reason=reason)
        else:
            await refuse(later, parts, session, reason=reason)

    work.even_if_refused(fail)


def _invalid() -> InvalidInput:
    return InvalidInput(
        "confirmation_invalid", "There is nothing to confirm here: it was answered, or ran out."
    )
