"""A provider refuses or slows us as a client: an incident of ours, and of no user's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.federation.events import UpstreamClientFailing, UpstreamClientRecovered
from limen.federation.health import store
from limen.federation.health.breaker import after_failure, is_believed, pause_after
from limen.federation.health.bucket import draw

REFUSALS: Final = "refusals_in_a_burst"
FAILURES: Final = "failures_in_a_burst"
_BROKEN_SECONDS: Final = 60.0
_THROTTLED_SECONDS: Final = 30.0
_PROBE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a failed refresh proves.

    Args:
        believed: The answer may end the grant; otherwise the client is what is ill.
        wrongly_ended: Grants that were ended before anybody knew that it is a burst.
    """

    believed: bool
    wrongly_ended: tuple[str, ...] = ()


async def note_refresh_failed(work: Work, *, provider: str, grant_id: str, ends: bool) -> Judged:
    """Count a failure; many of them together are one incident and nobody's end (F19).

    Args:
        work: Holds the grant's row already; the client's is locked after it, by everybody.
        provider: Which client.
        grant_id: Whose refresh it was.
        ends: Whether the answer alone would end the grant.
    """
    health = await store.lock_health(work, provider)
    if health is None:
        return Judged(believed=True)
    if health.incident_since is not None:
        if ends and is_believed(health.incident_since, now=work.now):
            return Judged(believed=True)
        pause = pause_after(health.incident_since, now=work.now)
        await store.block(work, provider, seconds=pause.total_seconds())
        return Judged(believed=False)
    failing = after_failure(health.failing, grant_id=grant_id, ends=ends, now=work.now)
    if not failing.is_burst:
        await store.set_failing(work, provider, failing)
        return Judged(believed=True)
    incident = REFUSALS if failing.ended else FAILURES
    await _open(work, provider, incident=incident)
    pause = pause_after(work.now, now=work.now)
    await store.block(work, provider, seconds=pause.total_seconds())
    others = tuple(each for each in failing.ended if each != grant_id)
    return Judged(believed=False, wrongly_ended=others)


async def note_client_failing(work: Work, *, provider: str, reason: str) -> None:
    """Stop asking for a minute: our secret expired, or the registration is gone (F20)."""
    health = await store.lock_health(work, provider)
    if health is not None and not health.incident:
        await _open(work, provider, incident=reason)
    await store.block(work, provider, seconds=_BROKEN_SECONDS)


async def note_client_throttled(
    work: Work, *, provider: str, retry_after_seconds: int | None
) -> None:
    """Stop asking for as long as the provider says, for all connections of this client (F16)."""
    seconds = _THROTTLED_SECONDS if retry_after_seconds is None else float(retry_after_seconds)
    await store.block(work, provider, seconds=seconds)


async def note_client_works(work: Work, *, provider: str) -> None:
    """The provider answered us: whatever ailed is over."""
    incident = await store.note_over(work, provider)
    if incident is not None:
        await work.record(UpstreamClientRecovered(provider=provider, reason=incident))


async def may_probe(work: Work, *, provider: str) -> bool:
    """Say whether the caller is the one who asks again during an incident."""
    return await store.take_probe(work, provider, seconds=_PROBE_SECONDS)


async def draw_rate(work: Work, *, provider: str, per_second: float) -> float:
    """Take one of the refreshes a second; return how long to wait if there is none (F15).

    Args:
        work: Does nothing slow afterwards: the client's row is locked until it ends.
        provider: Which client.
        per_second: As the operator set it; nothing is counted without.
    """
    _, wait = await draw_rates(work, provider=provider, per_second=per_second, wanted=1)
    return wait


async def draw_rates(
    work: Work, *, provider: str, per_second: float, wanted: int
) -> tuple[int, float]:
    """Take as many of the refreshes a second as there are, at one look.

    Args:
        work: As for ``draw_rate``.
        provider: Which client.
        per_second: As for ``draw_rate``.
        wanted: So many at most.

    Returns:
        How many were taken, and how long the others are to wait.
    """
    if per_second <= 0 or not wanted:
        return wanted, 0.0
    health = await store.lock_health(work, provider)
    if health is None:
        return wanted, 0.0
    taken, wait, bucket = 0, 0.0, health.bucket
    while taken < wanted:
        bucket, wait = draw(bucket, per_second=per_second, now=work.now)
        if wait:
            break
        taken += 1
    if bucket is not None:
        await store.set_bucket(work, provider, bucket)
    return taken, wait


async def _open(work: Work, provider: str, *, incident: str) -> None:
    await store.open_incident(work, provider, incident=incident)
    await work.record(UpstreamClientFailing(provider=provider, reason=incident))
