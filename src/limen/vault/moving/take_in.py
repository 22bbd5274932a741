"""Take in one connection that another application held.

Short transactions around calls: whom it is for; whose account it is, asked of the provider; the
connection. Whatever ends it in between, the same line may come again: it goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace

from limen.db.work import Work
from limen.federation.provider import ExternalIdentity
from limen.kernel.actor import Actor
from limen.kernel.site import Site
from limen.vault.annotate import check_annotations
from limen.vault.model import Grant
from limen.vault.moving.keep import annotations_of, check_same, keep
from limen.vault.moving.line import ConnectionLine
from limen.vault.moving.outcome import How, TakenIn
from limen.vault.moving.prove import (
    Asking,
    Proven,
    WouldBeSpent,
    prove_by_access,
    prove_by_refresh,
)
from limen.vault.moving.target import Target, find_target
from limen.vault.parts import Parts


async def take_in(
    parts: Parts, site: Site, *, line: ConnectionLine, how: How, actor: Actor
) -> TakenIn:
    """Prove a line and connect its account, or tell in a dry run what would happen.

    Args:
        parts: The vault's.
        site: The tenant.
        line: As it was read.
        how: As told.
        actor: Who imports.

    Raises:
        NotFound, NotPermitted, InvalidInput: As ``find_target``.
        Conflict: As ``find_target``, ``prove_by_refresh``, ``check_same`` and ``keep``.
        ProviderUnavailable, Unavailable, MalformedRequest: As ``prove_by_refresh``.
    """
    check_annotations(annotations_of(line))

    async def find(work: Work) -> Target:
        return await find_target(work, parts, line=line)

    target = await parts.works.run(site, find, actor=actor)
    now = parts.works.clock.now()
    endpoints = await target.provider.endpoints(parts.net, now=now)
    asking = Asking(parts=parts, site=site, line=line, target=target, endpoints=endpoints)
    known = _proven_before(target.held, line)
    if known is not None:
        return await _finish(asking, known, how=how, actor=actor)
    told = await prove_by_access(asking)
    if told is not None:
        would = await _finish(asking, told, how=replace(how, dry_run=True), actor=actor)
        if would.verdict == "present" or (how.dry_run and not how.by_refresh):
            return would  # and no refresh token was spent to learn it
        if line.raw_refresh is None:
            return await _finish(asking, told, how=how, actor=actor)
    try:
        proven = await prove_by_refresh(asking, how=how)
    except WouldBeSpent:
        return TakenIn(verdict="unproven", provider=line.provider, user_id=target.user_id)
    check_same(None if told is None else told.identity, proven)
    return await _finish(asking, proven, how=how, actor=actor)


async def _finish(asking: Asking, proven: Proven, *, how: How, actor: Actor) -> TakenIn:
    async def body(work: Work) -> TakenIn:
        return await keep(work, asking, proven, how=how)

    return await asking.parts.works.run(asking.site, body, actor=actor)


def _proven_before(held: Grant | None, line: ConnectionLine) -> Proven | None:
    """Return whose account it is where these very tokens were imported before.

    They may be spent by now, and nobody has to ask again.
    """
    if held is None or held.is_unclaimed:
        return None
    return Proven(
        identity=ExternalIdentity(issuer=held.issuer, subject=held.subject, label=line.account),
        proof="",
        answer=None,
        requested_at=held.requested_at,
    )
