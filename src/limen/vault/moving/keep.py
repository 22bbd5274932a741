"""Make a connection of a line whose account is proven, unless what is here already forbids it."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from limen.accounts.directory import hold_active_user
from limen.db.work import Work
from limen.federation.provider import ExternalIdentity, TokenAnswer
from limen.kernel.errors import Conflict, NotFound
from limen.kernel.ids import new_id
from limen.vault.annotate import Annotations, annotate
from limen.vault.events import ConnectionImported
from limen.vault.features.note import note_features
from limen.vault.features.offered import features_at
from limen.vault.features.states import missing_of
from limen.vault.keep_tokens import Given, keep_tokens
from limen.vault.model import Grant
from limen.vault.moving.line import ConnectionLine
from limen.vault.moving.outcome import How, TakenIn, Verdict
from limen.vault.moving.prove import Asking, Proven
from limen.vault.moving.unclaimed import held_tokens, let_go
from limen.vault.store import connections, grants
from limen.vault.store.standing import connections_on
from limen.vault.store.unclaimed import claim_unclaimed

_Step = Literal["import", "renew", "present"]
_WOULD: Final[Mapping[_Step, Verdict]] = {
    "import": "would_import",
    "renew": "would_renew",
    "present": "present",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be done, in view of what is here.

    Args:
        live: The account's one live grant.
        connection_id: This person's connection to it.
    """

    step: _Step
    live: Grant | None
    connection_id: str = ""


def check_claimed(line: ConnectionLine, proven: Proven) -> None:
    """Refuse a line that claims another account than the provider says.

    Raises:
        Conflict: ``account_mismatch``.
    """
    identity = proven.identity
    issuer_differs = line.issuer and line.issuer != identity.issuer
    if issuer_differs or (line.subject and line.subject != identity.subject):
        text = "The provider says that these tokens are another account's than the line does."
        if proven.held is not None:
            text += " What the refresh token was redeemed for is kept: correct the line."
        raise Conflict("account_mismatch", text, field="subject")


def check_same(told: ExternalIdentity | None, proven: Proven) -> None:
    """Refuse a line whose two tokens are of two accounts.

    Args:
        told: What the access token told, if it told anything.
        proven: What the refresh token was redeemed for.

    Raises:
        Conflict: ``account_mismatch``.
    """
    found = proven.identity
    if told is not None and (told.issuer, told.subject) != (found.issuer, found.subject):
        text = "The access token and the refresh token are two accounts'."
        raise Conflict("account_mismatch", text, field="refresh_token")


async def keep(work: Work, asking: Asking, proven: Proven, *, how: How) -> TakenIn:
    """Connect, or tell in a dry run what would be.

    An account that works here is left as it is unless it is to be replaced; one that does not
    is given the proven tokens.

    Raises:
        Conflict: ``account_mismatch``; ``account_in_use``: somebody else's connection stands on
            the account; ``account_connected_already``: as the other of the two, the person's or
            the tenant's; ``import_in_progress``.
        NotFound: ``user_not_found``.
    """
    line, target = asking.line, asking.target
    check_claimed(line, proven)
    if await hold_active_user(work, target.user_id) is None:
        raise NotFound("user_not_found", "There is no such person here.", field="user")
    plan = await _plan(work, asking, proven, how=how)
    told = TakenIn(
        verdict=_WOULD[plan.step],
        provider=line.provider,
        user_id=target.user_id,
        connection_id=plan.connection_id,
        subject=proven.identity.subject,
        proof=proven.proof,
        kept=proven.held is not None,
    )
    if how.dry_run or plan.step == "present":
        return told
    grant = await _grant(work, asking, proven, live=plan.live)
    return await _connect(work, asking, told, grant=grant, label=proven.identity.label)


async def _plan(work: Work, asking: Asking, proven: Proven, *, how: How) -> _Plan:
    target, identity = asking.target, proven.identity
    live = await grants.lock_live_grant(
        work,
        provider=target.client.provider,
        upstream_client_id=target.client.at_provider.client_id,
        issuer=identity.issuer,
        subject=identity.subject,
    )
    if live is None:
        return _Plan(step="import", live=None)
    standing = await connections_on(work, live.id)
    own = next((each.connection_id for each in standing if each.user_id == target.user_id), "")
    same_tokens = live.id == target.grant_id
    if own and (same_tokens or (live.state == "active" and not how.replace)):
        return _Plan(step="present", live=live, connection_id=own)
    others = len(standing) > (1 if own else 0)
    if others and not own and not proven.proof and not await _still_holds(work, asking, live):
        raise Conflict(
            "account_in_use",
            "Somebody else has this account connected here, and these tokens open it no more.",
        )
    if others and not same_tokens and live.state == "active" and not how.replace:
        raise Conflict(
            "account_in_use",
            "Somebody else has this account connected here; replacing would change theirs too.",
        )
    return _Plan(step="renew" if own else "import", live=live, connection_id=own)


async def _still_holds(work: Work, asking: Asking, live: Grant) -> bool:
    """Whether an account's grant holds a line's very token: a spent one is no key to the next."""
    line, tokens = asking.line, await held_tokens(work, asking.parts, live)
    if tokens is None:
        return False
    held = tokens.raw_access if line.raw_refresh is None else tokens.raw_refresh
    told = line.lasting.reveal().encode()
    return held is not None and hmac.compare_digest(held.reveal().encode(), told)


async def _grant(work: Work, asking: Asking, proven: Proven, *, live: Grant | None) -> Grant:
    """Return the account's grant with the proven tokens in it."""
    parts, target, identity = asking.parts, asking.target, proven.identity
    if live is not None and live.id == target.grant_id:
        return live
    if proven.answer is None:
        raise Conflict("import_in_progress", "The account was disconnected just now.")
    if proven.held is None:
        given = _given(asking, identity, proven.answer, requested_at=proven.requested_at)
        return await keep_tokens(work, parts, given, grant=live)
    held = await grants.lock_grant(work, proven.held.id)
    if held is None or not held.is_unclaimed:
        raise Conflict("import_in_progress", "Somebody else is importing these tokens.")
    if live is not None:
        return await _move(work, asking, identity, held=held, live=live)
    if not await claim_unclaimed(
        work, grant_id=held.id, issuer=identity.issuer, subject=identity.subject
    ):
        raise Conflict("import_uncertain", "These tokens are lost: connect the account anew.")
    if proven.answer.lifted:
        await grants.note_lifted(work, grant_id=held.id, lifted=proven.answer.lifted)
    claimed = await grants.find_grant(work, held.id)
    assert claimed is not None
    return claimed


async def _move(
    work: Work, asking: Asking, identity: ExternalIdentity, *, held: Grant, live: Grant
) -> Grant:
    """Give the account's grant the tokens that an unclaimed one holds, and wipe that."""
    parts = asking.parts
    tokens = await held_tokens(work, parts, held)
    if tokens is None:
        raise Conflict("import_uncertain", "These tokens are lost: connect the account anew.")
    seconds = None
    if held.access_expires_at is not None:
        seconds = int((held.access_expires_at - held.requested_at).total_seconds())
    answer = TokenAnswer(
        raw_access=tokens.raw_access,
        raw_refresh=tokens.raw_refresh,
        expires_in=seconds,
        scope=held.granted_scopes,
        raw_id_token=None,
        members={},
    )
    given = _given(asking, identity, answer, requested_at=held.requested_at)
    moved = await keep_tokens(work, parts, given, grant=live)
    await let_go(work, parts, held, reason="imported")
    return moved


def _given(
    asking: Asking,
    identity: ExternalIdentity,
    answer: TokenAnswer,
    *,
    requested_at: dt.datetime,
) -> Given:
    line, target = asking.line, asking.target
    return Given(
        client=target.client,
        provider=target.provider,
        identity=identity,
        answer=answer,
        asked=target.provider.normalise(line.scopes),
        consented_at=line.connected_at or asking.parts.works.clock.now(),
        grant_id=target.grant_id,
        requested_at=requested_at,
    )


async def _connect(
    work: Work, asking: Asking, told: TakenIn, *, grant: Grant, label: str
) -> TakenIn:
    line, target = asking.line, asking.target
    connection_id = await connections.put_connection(
        work,
        new_id=new_id(work.now),
        owner_id=target.owner_id,
        grant=grant,
        label=(label or line.account)[:200],
        kept_by=target.user_id,
    )
    if connection_id is None:
        raise Conflict(
            "account_connected_already",
            "This account is connected already, as the other of the two: yours, or the tenant's.",
        )
    again = bool(told.connection_id)
    if not again and (line.label or line.tags or line.metadata):
        await annotate(
            work,
            connection_id=connection_id,
            owner_id=target.owner_id,
            annotations=annotations_of(line),
        )
    missing = await _switch_on(work, asking, connection_id=connection_id, grant=grant)
    await work.record(
        ConnectionImported(
            connection_id=connection_id,
            grant_id=grant.id,
            provider=line.provider,
            user_id=target.user_id,
            scopes=grant.granted_scopes,
            proof=told.proof,
            again=again,
        )
    )
    return replace(
        told,
        verdict="renewed" if again else "imported",
        connection_id=connection_id,
        kept=False,
        features_missing=missing,
    )


def annotations_of(line: ConnectionLine) -> Annotations:
    """Return what the owner said of the connection elsewhere."""
    return Annotations(
        nickname=line.label or None, tags=line.tags or None, metadata=line.metadata or None
    )


async def _switch_on(
    work: Work, asking: Asking, *, connection_id: str, grant: Grant
) -> tuple[str, ...]:
    """Switch on what is wanted and granted; return the rest, which nobody has refused."""
    provider = asking.provider
    offered = await features_at(work, provider, provider_id=grant.provider)
    missing = tuple(
        name
        for name in asking.line.features
        if name not in offered
        or missing_of(offered[name], provider=provider, granted=grant.granted_scopes)
    )
    covered = [name for name in asking.line.features if name not in missing]
    await note_features(work, provider, connection_id=connection_id, wanted=covered, grant=grant)
    return missing
