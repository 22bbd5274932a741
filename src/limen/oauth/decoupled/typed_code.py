"""Find a device's request by what somebody types: at a price, for a code can be guessed.

Whoever tries is signed in, and each try is drawn from budgets in SQL before it is looked at: of
the person and of their address block. A code that exists gives the try back.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.errors import NotFound
from limen.oauth.authorization.asked import SignedIn
from limen.oauth.decoupled.begin_device import user_code_hash
from limen.oauth.decoupled.events import UserCodeMistaken
from limen.oauth.pending import store
from limen.oauth.pending.model import MAX_MISMATCHES, DecoupledRequest
from limen.protocol.decoupled.user_code import read_user_code
from limen.signin.budgets import Budget
from limen.signin.throttle import draw_attempt, forgive

FREE_OF_PERSON: Final = 10
FREE_OF_BLOCK: Final = 40


async def open_typed(
    work: Work,
    *,
    works: Works,
    envelope: Envelope,
    who: SignedIn,
    block: str,
    typed: str,
) -> DecoupledRequest:
    """Return the request whose code was typed, and let this session answer it.

    Never by GET: a link of a stranger's would do for the code that a person has to type.

    Args:
        work: Nothing written in it yet.
        works: Counts the attempt in a transaction of its own.
        envelope: Derives the keys.
        who: Who types.
        block: Their address block.
        typed: As typed.

    Raises:
        NotFound, Throttled: As ``find_typed``.
    """
    found = await find_typed(
        work, works=works, envelope=envelope, who=who, block=block, typed=typed
    )
    await store.note_opened(work, found.id, session_id=who.session_id)
    return found


async def find_typed(
    work: Work,
    *,
    works: Works,
    envelope: Envelope,
    who: SignedIn,
    block: str,
    typed: str,
) -> DecoupledRequest:
    """Return the request whose code was typed, to be looked at; arguments as ``open_typed``.

    Raises:
        NotFound: ``user_code_unknown``: no such code, or it is over.
        Throttled: ``too_many_attempts`` (RFC 8628 section 5.1, N112).
    """
    budgets = (
        Budget("user code", who.user_id, FREE_OF_PERSON),
        Budget("user code block", block, FREE_OF_BLOCK),
    )
    attempt = await draw_attempt(works, work, envelope=envelope, budgets=budgets)
    found = await _find(work, envelope, typed)
    if found is None:
        raise unknown_code()
    await forgive(work, attempt)
    return found


async def check_confirmed(
    work: Work, *, envelope: Envelope, linked: str | None, typed: str
) -> None:
    """Refuse when the code typed is not the one that the link came with.

    A link can come from anybody. Who follows it types what their own device shows, and a link
    to a stranger's request leads nowhere; the fifth such mistake ends that request (N112).

    Args:
        work: Nothing written in it yet.
        envelope: Derives the key.
        linked: The code in the link; ``None`` without one.
        typed: What the person typed.

    Raises:
        NotFound: ``user_code_mistaken``.
    """
    if linked is None:
        return
    raw_linked, raw_typed = read_user_code(linked), read_user_code(typed)
    if raw_linked is not None and raw_linked == raw_typed:
        return
    found = await _find(work, envelope, linked)
    if found is not None:
        work.even_if_refused(partial(_count, request=found))
    raise NotFound(
        "user_code_mistaken",
        "This is not the code that you were sent here with. If you did not start this yourself, "
        "somebody may be trying to get into your account: close this page.",
        field="user-code",
    )


def unknown_code() -> NotFound:
    """Return the refusal for every code that leads nowhere."""
    return NotFound(
        "user_code_unknown",
        "No device waits with this code. Look at it again, or have the device show a new one.",
        field="user-code",
    )


async def _find(work: Work, envelope: Envelope, typed: str) -> DecoupledRequest | None:
    raw_code = read_user_code(typed)
    if raw_code is None:
        return None
    found = await store.find_by_code(work, await user_code_hash(work, envelope, raw_code))
    if found is None or found.status != "pending" or found.mismatches >= MAX_MISMATCHES:
        return None
    return None if found.is_expired(now=work.now) else found


async def _count(work: Work, *, request: DecoupledRequest) -> None:
    if await store.count_mismatch(work, request.id):
        await work.record(UserCodeMistaken(request_id=request.id, client_id=request.client_id))
