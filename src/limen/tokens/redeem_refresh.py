"""Use a refresh token: rotate it or keep it, and tell a repetition from a theft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.tokens import store
from limen.tokens.events import GrantEnded, RefreshGraceOpened, RefreshReused, TokensRefreshed
from limen.tokens.grant import Grant
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.refresh_token import (
    RefreshToken,
    mint_refresh,
    open_successor,
    read_refresh,
    seal_successor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A refresh token as it arrived.

    Args:
        raw: As received.
        client_id: The client, which is authenticated already.
        rotate: Public clients always; confidential ones where configured, their
            authentication binds the token as well as rotation would.
        bound_to: The key the request proved to hold, for a grant bound to one; empty otherwise.
    """

    raw: Secret[str]
    client_id: str
    rotate: bool
    bound_to: str = ""


class Refreshed(NamedTuple):
    """What a refresh token gave.

    Attributes:
        grant: As it stands now; its scope is the most that new tokens may have.
        raw_refresh: The one to answer with: new, the same successor again, or the one presented.
        rotated: Whether it is a new one.
        in_grace: Whether it is a successor fetched again.
    """

    grant: Grant
    raw_refresh: Secret[str]
    rotated: bool
    in_grace: bool


async def redeem_refresh(
    work: Work, *, envelope: Envelope, lifetimes: TokenLifetimes, presented: Presented
) -> Refreshed:
    """Use a refresh token, once if it rotates.

    One conditional UPDATE checks hash, client, key, expiry, idleness and both principals, and
    moves the family on. Of any number of concurrent callers one rotates; a few more may get the
    same successor within the grace.

    What the caller checks afterwards (scope, resource, session) may refuse: the rotation rolls
    back with everything else. What reuse ended stays ended.

    Raises:
        OAuthRefusal: ``invalid_grant``, in the same words whatever the reason.

    Spec: RFC 6749 §6, OAuth 2.1 §4.3, RFC 9700 §4.14.
    """
    token = await read_refresh(work, envelope, presented.raw)
    if token is None:
        raise _refused("not ours")
    use = store.Use(
        grant_id=token.grant_id,
        presented_hash=token.hash,
        by_client_id=presented.client_id,
        by_bound_to=presented.bound_to,
        now=work.now,
        new_idle_until=work.now + lifetimes.refresh_idle,
    )
    if presented.rotate:
        used = await _rotate(work, envelope, token, use=use, lifetimes=lifetimes)
    else:
        used = await _keep(work, token, use)
    used = used or await _open_again(work, envelope, token, use=use, lifetimes=lifetimes)
    if used is None:
        refusal = _refused("not usable")
        refusal.is_told = await _note_reuse(work, token, use)
        raise refusal
    return used


async def find_usable(
    work: Work, *, envelope: Envelope, raw: Secret[str], client_id: str
) -> Grant | None:
    """Return the grant of a refresh token that ``redeem_refresh`` may accept; nothing is used.

    That is the current one, or the one before it in its grace: whatever is asked before a token
    is asked for both, since both give one. An older one is for ``redeem_refresh`` to judge.
    """
    token = await read_refresh(work, envelope, raw)
    family = None if token is None else await store.find_family(work, token.grant_id)
    if token is None or family is None or family.client_id != client_id:
        return None
    if token.generation < family.generation:
        in_grace = family.grace_until is not None and work.now < family.grace_until
        if not in_grace or token.hash != family.previous_hash:
            return None
    return await store.find_grant(work, token.grant_id)


async def _rotate(
    work: Work,
    envelope: Envelope,
    token: RefreshToken,
    *,
    use: store.Use,
    lifetimes: TokenLifetimes,
) -> Refreshed | None:
    successor = await mint_refresh(
        work, envelope, grant_id=token.grant_id, generation=token.generation + 1
    )
    sealed = await seal_successor(work, envelope, presented=token, successor=successor)
    grant = await store.rotate_refresh(
        work,
        use,
        new_hash=successor.hash,
        grace_until=work.now + lifetimes.grace,
        successor=sealed,
    )
    if grant is None:
        return None
    await _record_refresh(work, grant, rotated=True)
    return Refreshed(grant, successor.raw, rotated=True, in_grace=False)


async def _keep(work: Work, token: RefreshToken, use: store.Use) -> Refreshed | None:
    grant = await store.redeem_kept(work, use)
    if grant is None:
        return None
    await _record_refresh(work, grant, rotated=False)
    return Refreshed(grant, token.raw, rotated=False, in_grace=False)


async def _open_again(
    work: Work,
    envelope: Envelope,
    token: RefreshToken,
    *,
    use: store.Use,
    lifetimes: TokenLifetimes,
) -> Refreshed | None:
    """Hand out the same successor again: the answer that carried it may never have arrived."""
    taken = await store.take_opening(work, use, most=lifetimes.grace_openings)
    if taken is None:
        return None
    grant, sealed, opening = taken
    successor = await open_successor(work, envelope, presented=token, sealed=sealed)
    if successor is None:
        return None
    await work.record(
        RefreshGraceOpened(
            grant_id=grant.id,
            client_id=grant.client_id,
            user_id=grant.user_id,
            generation=grant.generation,
            opening=opening,
        )
    )
    return Refreshed(grant, successor, rotated=False, in_grace=True)


async def _note_reuse(work: Work, token: RefreshToken, use: store.Use) -> bool:
    """End the grant if an old token of it came back after its grace (RFC 9700 §4.14.2).

    Which of the two who hold it is the thief can't be told, so neither goes on. Another
    client's token ends nothing: whoever presents it must not be able to sign others out.

    Returns:
        Whether it did, and an event tells of it.
    """
    family = await store.find_family(work, token.grant_id)
    if family is None or family.client_id != use.by_client_id:
        return False
    if token.generation >= family.generation:
        return False  # current: refused for what it is, expired say, not for being old
    in_grace = family.grace_until is not None and work.now < family.grace_until
    if in_grace and use.presented_hash == family.previous_hash:
        return False  # one repetition too many within the grace, or by the wrong key

    async def end(keep: Work) -> None:
        ended = await store.end_grant(keep, token.grant_id, reason="refresh_token_reused")
        if ended is None:
            return
        client_id, user_id = ended
        who = {"grant_id": token.grant_id, "client_id": client_id, "user_id": user_id}
        await keep.record(RefreshReused(**who, generation=token.generation))
        await keep.record(GrantEnded(**who, reason="refresh_token_reused"))

    work.even_if_refused(end)
    return True


async def _record_refresh(work: Work, grant: Grant, *, rotated: bool) -> None:
    await work.record(
        TokensRefreshed(
            grant_id=grant.id,
            client_id=grant.client_id,
            user_id=grant.user_id,
            generation=grant.generation,
            rotated=rotated,
        )
    )


def _refused(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "The refresh token is invalid or expired.", detail=detail)
