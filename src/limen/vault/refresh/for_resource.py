"""Make something of an answer, also of one for another resource than the grant's own.

The refresh token is one for all: whatever came with it goes the same way, under the same lease.
What a provider refuses for one resource says nothing of the grant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from limen.db.work import Work
from limen.federation.facts import SAY_WHO, Resource
from limen.federation.health.incidents import note_client_works
from limen.federation.provider import ERROR_CLASSES, AnswerClass, ProviderAnswer
from limen.vault.events import GrantReinstated, ResourceTokenFetched
from limen.vault.model import Grant, Terms
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Held, Journalled, apply_answer, end_grant
from limen.vault.refresh.outcome import Moved, Outcome
from limen.vault.refresh.terms import Before, is_other_account, merge_tokens, terms_of
from limen.vault.resources import store
from limen.vault.resources.known import seen_for
from limen.vault.revoke_upstream import discard_tokens
from limen.vault.sealing import open_refresh, seal_access_for, seal_refresh
from limen.vault.store import journal

Why = Literal["consent", "refused"]

_SERVERS_FAULT: Final = 500


async def apply_any(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Outcome:
    """Commit what an answer proves; for another resource never more than of that resource.

    That the grant is dead is believed of its default resource alone: it is asked about that at
    once. What speaks of our client, or of nothing, is as it is for every refresh.
    """
    if not journalled.resource:
        return await apply_answer(work, parts, held, journalled=journalled)
    grant, answer = held.grant, journalled.answer
    said = held.provider.classify(answer)
    if said == "ok":
        await journal.settle_intent(work, grant_id=grant.id, fence=held.intent_fence)
        return await _swap(work, parts, held, journalled=journalled)
    why = _why(said, answer, grant)
    if why is None:
        return await apply_answer(work, parts, held, journalled=journalled)
    await journal.settle_intent(work, grant_id=grant.id, fence=held.intent_fence)
    resource = _meant(held, journalled)
    if resource is not None:
        seen = _seen(held, journalled, resource)
        await store.put_token(work, seen, sealed_access=None, refused=why)
    if said == "grant_dead":
        await store.look_soon(work, grant)
    else:
        await journal.give_back(work, grant)
    return Moved()


def _why(said: AnswerClass, answer: ProviderAnswer, grant: Grant) -> Why | None:
    """Say why a resource was refused; ``None`` if it was not that."""
    if said == "interaction_required":
        return "consent"
    if said == "grant_dead":
        # One whose rotation is in doubt was tried once more, and that is the answer.
        return None if grant.state == "uncertain" else "refused"
    error = answer.members.get("error")
    named = said in {"scope_insufficient", "transient"} and isinstance(error, str) and bool(error)
    # What a server says of itself passes; some say all there is with 200 (F23).
    is_its_own = ERROR_CLASSES.get(str(error)) == "transient" or answer.status >= _SERVERS_FAULT
    return "refused" if named and not is_its_own else None


async def _swap(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Outcome:
    grant, provider = held.grant, held.provider
    answer = provider.read_tokens(journalled.answer)
    if is_other_account(answer, grant=grant, provider=provider):
        await discard_tokens(work, parts, grant, answer=answer, provider=provider)
        return await end_grant(work, grant, reason="account_changed")
    before = Before(
        raw_refresh=await open_refresh(work, parts.envelope, grant),
        scopes=(),
        lifetime_seconds=None,
        jitter=grant.jitter,
        consented_at=grant.consented_at or grant.requested_at,
        refresh_ends_at=grant.refresh_ends_at,
    )
    terms = terms_of(answer, before, provider=provider, requested_at=journalled.requested_at)
    raw_refresh = merge_tokens(answer, before).raw_refresh
    assert raw_refresh is not None  # it was just used
    sealed_refresh = await seal_refresh(
        work,
        parts.envelope,
        grant_id=grant.id,
        generation=grant.generation + 1,
        raw_refresh=raw_refresh,
    )
    if not await store.swap_refresh(work, grant=grant, sealed_refresh=sealed_refresh, terms=terms):
        await discard_tokens(work, parts, grant, answer=answer, provider=provider)
        return Moved()
    await _keep(work, parts, held, journalled=journalled, terms=terms)
    await note_client_works(work, provider=grant.provider)
    if grant.state == "reauth_required":
        await work.record(GrantReinstated(grant_id=grant.id, provider=grant.provider))
    await work.record(
        ResourceTokenFetched(
            grant_id=grant.id,
            provider=grant.provider,
            resource=journalled.resource,
            generation=grant.generation + 1,
            rotated=answer.raw_refresh is not None,
        )
    )
    return Moved()


async def _keep(
    work: Work, parts: Parts, held: Held, *, journalled: Journalled, terms: Terms
) -> None:
    """Keep the access token for what it was asked for, if that is what it is for."""
    resource = _meant(held, journalled)
    if resource is None:
        return  # its name means another place by now: nobody asks for this one any more
    grant = held.grant
    seen = _seen(held, journalled, resource)
    if not _is_its_own(terms.scopes, resource):
        await store.put_token(work, seen, sealed_access=None, terms=terms, refused="not_its_own")
        return
    sealed = await seal_access_for(
        work,
        parts.envelope,
        grant_id=grant.id,
        audience=resource.identifier,
        generation=grant.generation + 1,
        raw_access=held.provider.read_tokens(journalled.answer).raw_access,
    )
    await store.put_token(work, seen, sealed_access=sealed, terms=terms)


def _is_its_own(scopes: Sequence[str], resource: Resource) -> bool:
    """Say whether an answer names scopes of a resource, and of no other.

    A provider that pays no heed to what it is asked for gives the default token once more, which
    would be sent to another host; one that does not say what it gave may have done so.
    """
    own = [each for each in scopes if each not in SAY_WHO]
    return bool(own) and all(map(resource.names, own))


def _meant(held: Held, journalled: Journalled) -> Resource | None:
    """Return the resource an answer is for, if its name still means the same place."""
    resource = held.provider.facts.resources.get(journalled.resource)
    is_same = resource is not None and resource.identifier == journalled.audience
    return resource if is_same else None


def _seen(held: Held, journalled: Journalled, resource: Resource) -> Grant:
    return seen_for(
        held.grant, name=journalled.resource, resource=resource, token=None, kills=False
    )
