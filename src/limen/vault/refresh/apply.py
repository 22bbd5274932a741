"""Make something of a provider's answer: swap the tokens in, or change as little as it proves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.db.work import Work
from limen.federation.health.incidents import (
    note_client_failing,
    note_client_throttled,
    note_client_works,
    note_refresh_failed,
)
from limen.federation.provider import OK, AnswerClass, Provider, ProviderAnswer, TokenAnswer
from limen.vault.events import (
    GrantReinstated,
    GrantUncertain,
    ReauthRequired,
    RefreshFailing,
    ScopesChanged,
    UpstreamTokenRefreshed,
)
from limen.vault.model import Grant, Terms
from limen.vault.parts import Parts
from limen.vault.refresh.outcome import Ended, Moved, Outcome, Postponed
from limen.vault.refresh.terms import Before, is_other_account, merge_tokens, terms_of
from limen.vault.revoke_upstream import discard_tokens
from limen.vault.sealing import open_refresh, seal_tokens
from limen.vault.store import grants, in_batches, journal

_FIRST_DELAY_SECONDS: Final = 5.0
_LONGEST_DELAY_SECONDS: Final = 3600.0
BLOCKED_SECONDS: Final = 30.0
_TOLD_AFTER: Final = 3
"""Failures in a row: one is over in seconds, and nobody's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A grant under our lease, and the intent to be settled with what follows.

    Args:
        grant: With the fence we hold.
        intent_fence: Of the intent; an older one when a crash left it.
    """

    grant: Grant
    provider: Provider
    intent_fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalled:
    """An answer as the journal keeps it.

    Args:
        resource: Which of the provider's it was asked for, by name; empty for the grant's own.
        audience: What the provider called that then.
    """

    answer: ProviderAnswer
    requested_at: dt.datetime
    resource: str = ""
    audience: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return members to be sealed."""
        return {
            "status": self.answer.status,
            "members": dict(self.answer.members),
            "is_object": self.answer.is_object,
            "retry_after_seconds": self.answer.retry_after_seconds,
            "requested_at": self.requested_at.isoformat(),
            "resource": self.resource,
            "audience": self.audience,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Journalled:
        """Read what ``to_json`` wrote."""
        answer = ProviderAnswer(
            status=told["status"],
            members=told["members"],
            is_object=told["is_object"],
            retry_after_seconds=told["retry_after_seconds"],
        )
        requested_at = dt.datetime.fromisoformat(told["requested_at"])
        return cls(
            answer=answer,
            requested_at=requested_at,
            resource=told.get("resource", ""),
            audience=told.get("audience", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """New tokens, sealed for the generation they will be.

    Args:
        refresh: ``None`` if there is none.
    """

    answer: TokenAnswer
    terms: Terms
    access: bytes
    refresh: bytes | None


async def apply_answer(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Outcome:
    """Commit what an answer proves, and settle its intent in the same transaction.

    Only ``grant_dead`` and ``interaction_required`` end a grant; everything else that is not
    a token is ours or the provider's trouble and passes (F18 to F21).
    """
    grant, provider, answer = held.grant, held.provider, journalled.answer
    await journal.settle_intent(work, grant_id=grant.id, fence=held.intent_fence)
    match provider.classify(answer):
        case "ok":
            return await _swap(work, parts, held, journalled=journalled)
        case "grant_dead" | "interaction_required" as refused:
            return await end_if_alone(work, grant, refused=refused)
        case "client_broken":
            reason = str(answer.members.get("error", "refused"))[:40]
            await note_client_failing(work, provider=grant.provider, reason=reason)
            return await wait(work, grant, reason="client_broken")
        case "throttled":
            seconds = answer.retry_after_seconds
            await note_client_throttled(work, provider=grant.provider, retry_after_seconds=seconds)
            return await wait(work, grant, reason="throttled", seconds=seconds)
        case "malformed":
            # 200 and no token: whoever consumes refresh tokens may well have consumed this one.
            return await lose_answer(work, held, sent_at=journalled.requested_at)
        case "transient" if answer.status == OK and not answer.is_object:
            return await lose_answer(work, held, sent_at=journalled.requested_at)
        case _:
            return await fail(work, grant, reason="provider_error")


async def lose_answer(work: Work, held: Held, *, sent_at: dt.datetime) -> Outcome:
    """Account for a refresh token that was sent without an answer to show for it.

    Where using one does not consume it, that is a failure like others. Where it does, nobody
    knows: the grant is uncertain, and the same token is tried once more only within the grace
    that the provider documents.
    """
    grant, facts = held.grant, held.provider.facts
    await journal.settle_intent(work, grant_id=grant.id, fence=held.intent_fence)
    if not facts.is_single_use:
        return await fail(work, grant, reason="answer_lost")
    grace_until = None
    if facts.lifetime.grace_seconds and grant.state == "active":
        grace_until = sent_at + dt.timedelta(seconds=facts.lifetime.grace_seconds)
    changed = await journal.change_state(
        work, grant, state="uncertain", reason="answer_lost", grace_until=grace_until
    )
    if not changed:
        return Moved()
    await work.record(GrantUncertain(grant_id=grant.id, provider=grant.provider))
    return Ended("uncertain", "answer_lost")


async def fail(work: Work, grant: Grant, *, reason: str) -> Outcome:
    """Account for a failure of the provider: this grant's, unless it is everybody's."""
    outcome = await postpone(work, grant, reason=reason)
    await note_refresh_failed(work, provider=grant.provider, grant_id=grant.id, ends=False)
    return outcome


async def wait(work: Work, grant: Grant, *, reason: str, seconds: float | None = None) -> Outcome:
    """Give the lease back until our client may ask again; the grant has done nothing wrong.

    Not all at once: each waits a little longer by its own jitter.
    """
    least = BLOCKED_SECONDS if seconds is None else seconds
    await journal.defer(work, grant, seconds=least * (1 + grant.jitter / 2))
    return Postponed(reason)


async def postpone(work: Work, grant: Grant, *, reason: str) -> Outcome:
    """Give the lease back and try later, each time after a longer while."""
    delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** min(grant.failures, 16))
    await journal.back_off(work, grant, seconds=delay)
    if grant.failures + 1 == _TOLD_AFTER:
        event = RefreshFailing(grant_id=grant.id, provider=grant.provider, reason=reason)
        await work.record(event)
    return Postponed(reason)


async def end_grant(work: Work, grant: Grant, *, reason: str) -> Outcome:
    """Ask for the person, unless somebody moved the grant on meanwhile (F13)."""
    changed = await journal.change_state(work, grant, state="reauth_required", reason=reason)
    if not changed:
        return Moved()
    await work.record(ReauthRequired(grant_id=grant.id, provider=grant.provider, reason=reason))
    return Ended("reauth_required", reason)


async def end_if_alone(work: Work, grant: Grant, *, refused: AnswerClass) -> Outcome:
    """End a grant that is refused, unless many are at once: then none of them ends (F19)."""
    if refused == "grant_dead" and grant.state == "uncertain":
        return await end_grant(work, grant, reason="lost_rotation")
    reason = "refused_by_provider" if refused == "grant_dead" else refused
    if grant.is_unclaimed:
        # Of tokens that others kept many are dead: that says nothing of our client.
        return await end_grant(work, grant, reason=reason)
    await grants.lock_grant(work, grant.id)
    judged = await note_refresh_failed(work, provider=grant.provider, grant_id=grant.id, ends=True)
    if judged.believed:
        return await end_grant(work, grant, reason=reason)
    ids = await in_batches.reinstate(work, judged.wrongly_ended, seconds=BLOCKED_SECONDS)
    for grant_id in ids:
        await work.record(GrantReinstated(grant_id=grant_id, provider=grant.provider))
    return await wait(work, grant, reason="client_incident")


async def make_swap(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Swap | None:
    """Seal what an answer brought for a grant; ``None`` if it is another account's."""
    grant, provider = held.grant, held.provider
    answer = provider.read_tokens(journalled.answer)
    if not grant.is_unclaimed and is_other_account(answer, grant=grant, provider=provider):
        return None
    before = Before(
        raw_refresh=await open_refresh(work, parts.envelope, grant),
        scopes=grant.granted_scopes,
        lifetime_seconds=grant.lifetime_seconds,
        jitter=grant.jitter,
        consented_at=grant.consented_at or grant.requested_at,
        refresh_ends_at=grant.refresh_ends_at,
    )
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant.id,
        generation=grant.generation + 1,
        tokens=merge_tokens(answer, before),
    )
    terms = terms_of(answer, before, provider=provider, requested_at=journalled.requested_at)
    return Swap(answer=answer, terms=terms, access=sealed_access, refresh=sealed_refresh)


async def _swap(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Outcome:
    grant, provider = held.grant, held.provider
    swap = await make_swap(work, parts, held, journalled=journalled)
    if swap is None:
        answer = provider.read_tokens(journalled.answer)
        await discard_tokens(work, parts, grant, answer=answer, provider=provider)
        return await end_grant(work, grant, reason="account_changed")
    swapped = await journal.swap_tokens(
        work,
        grant=grant,
        sealed_access=swap.access,
        sealed_refresh=swap.refresh,
        terms=swap.terms,
    )
    if not swapped:
        await discard_tokens(work, parts, grant, answer=swap.answer, provider=provider)
        return Moved()
    await note_client_works(work, provider=grant.provider)
    await tell_swapped(work, held, swap)
    return Moved()


async def tell_swapped(work: Work, held: Held, swap: Swap) -> None:
    """Keep and tell what else came with new tokens; that our client works is told apart."""
    grant, answer = held.grant, swap.answer
    if held.provider.facts.api.base_pointer and answer.lifted:  # the account's API may have moved
        await grants.note_lifted(work, grant_id=grant.id, lifted=answer.lifted)
    if grant.state == "reauth_required":
        await work.record(GrantReinstated(grant_id=grant.id, provider=grant.provider))
    await work.record(
        UpstreamTokenRefreshed(
            grant_id=grant.id,
            provider=grant.provider,
            generation=grant.generation + 1,
            rotated=answer.raw_refresh is not None,
        )
    )
    await _tell_scopes(work, grant, now=swap.terms.scopes)


async def _tell_scopes(work: Work, grant: Grant, *, now: Sequence[str]) -> None:
    """Tell of a change that nobody here asked for."""
    had, has = set(grant.granted_scopes), set(now)
    if had != has:
        await work.record(
            ScopesChanged(
                grant_id=grant.id,
                provider=grant.provider,
                gained=tuple(sorted(has - had)),
                lost=tuple(sorted(had - has)),
            )
        )
