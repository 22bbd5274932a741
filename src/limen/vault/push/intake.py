"""Take one event: who signed it, whether it came before, whose grants end."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from json import JSONDecodeError
from typing import Any, Final
from urllib.parse import parse_qs

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import MalformedRequest, NotFound, Refusal
from limen.kernel.foreign_json import parse_json
from limen.kernel.site import Site
from limen.observe import logger
from limen.protocol.jwt import JwtRefused
from limen.tokens.replay.first_time import first_time
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.push import store
from limen.vault.push.events import ProviderEventTaken
from limen.vault.push.hmac_events import is_githubs, is_slacks
from limen.vault.push.risc import MAX_AGE, MAX_AHEAD, verify_event
from limen.vault.push.secrets import push_secret
from limen.vault.push.told import Told, told_by_github, told_by_google, told_by_slack
from limen.vault.refresh.apply import end_grant
from limen.vault.refresh.redeem import refresh

_log = logger("limen.vault")
_REMEMBERED: Final = dt.timedelta(days=30)
_UNDATED: Final = dt.timedelta(days=3650)
"""How long what is signed without a date is remembered, if it names somebody: it never gets too old
to be believed."""
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came in.

    Args:
        headers: By their lower-case names.
        body: Every byte, as it was signed.
    """

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    """An event whose signature is good.

    Args:
        once: What must not come again; signed, every bit of it.
        until: It is refused for its age afterwards.
        is_undated: Nothing signed tells it from the next event that says the same.
    """

    told: Told
    once: str
    until: dt.datetime
    is_undated: bool = False


async def take_event(
    work: Work, parts: Parts, *, provider: str, tenant_key: str, sent: Sent
) -> str:
    """Check an event and end the grants of whom it names; return what to answer it with.

    An account nobody here has, an event of another kind, one that ended something and one that
    came before are answered alike: who signed it need not send it again (RFC 8935 section 2).

    Raises:
        NotFound: ``not_found``: no such address: of another tenant, of a provider unknown here
            or without events.
        MalformedRequest: ``event_refused``: whatever is wrong with it.
        ProviderUnavailable: What it is to be checked with can't be read: it is sent again.
    """
    client, found = await _receiver(work, parts, provider=provider, tenant_key=tenant_key)
    believed = await _believe(work, parts, client=client, provider=found, sent=sent)
    if believed.told.challenge:
        return believed.told.challenge
    if not believed.told.reason:
        return ""
    if await _is_new(work, provider, believed.once, until=believed.until):
        await _end(work, client=client, provider=found, told=believed.told)
    elif believed.is_undated:
        await _ask(work, parts, believed, client=client, provider=found)
    return ""


async def _is_new(work: Work, provider: str, once: str, *, until: dt.datetime) -> bool:
    return await first_time(work, kind="provider_event", of=provider, value=once, until=until)


async def _receiver(
    work: Work, parts: Parts, *, provider: str, tenant_key: str
) -> tuple[UpstreamClient, Provider]:
    try:
        if tenant_key != work.tenant_id:
            raise NotFound
        client = await get_upstream_client(
            work, parts.envelope, provider=provider, even_disabled=True
        )
        found = parts.catalogue.get(provider, client.config)
        if not found.facts.push:
            raise NotFound
    except Refusal:
        raise NotFound(public="There is nothing at this address.") from None
    return client, found


async def _believe(
    work: Work, parts: Parts, *, client: UpstreamClient, provider: Provider, sent: Sent
) -> _Believed:
    if provider.facts.push == "google_risc":
        return await _googles(work, parts, client=client, provider=provider, sent=sent)
    raw_secret = await push_secret(work, parts, provider=client.provider)
    if raw_secret is None:
        raise _refused("no secret was set")
    headers = sent.headers
    if provider.facts.push == "github":
        signature = headers.get("x-hub-signature-256", "")
        delivery = headers.get("x-github-delivery", "")
        if not delivery or not is_githubs(raw_secret, signature=signature, body=sent.body):
            raise _refused("signature")
        told = told_by_github(headers.get("x-github-event", ""), _object(sent))
        # Neither the id nor a date is signed: whoever has one event can send it under any id.
        once = f"body {hashlib.sha256(sent.body).hexdigest()}"
        return _Believed(told=told, once=once, until=work.now + _UNDATED, is_undated=True)
    timestamp = headers.get("x-slack-request-timestamp", "")
    good = is_slacks(
        raw_secret,
        signature=headers.get("x-slack-signature", ""),
        timestamp=timestamp,
        body=sent.body,
        now=work.now,
    )
    if not good:
        raise _refused("signature")
    body = _object(sent)
    told, event_id = told_by_slack(body), body.get("event_id")
    if not told.challenge and not isinstance(event_id, str):
        raise _refused("event_id")
    return _Believed(told=told, once=str(event_id), until=work.now + _REMEMBERED)


async def _googles(
    work: Work, parts: Parts, *, client: UpstreamClient, provider: Provider, sent: Sent
) -> _Believed:
    await work.let_go()
    try:
        claims = await verify_event(
            sent.body.decode("ascii").strip(),
            parts.net,
            parts.federation.keys,
            provider=provider,
            client_id=client.at_provider.client_id,
            now=work.now,
        )
    except (JwtRefused, UnicodeDecodeError) as refused:
        raise _refused(str(refused)) from refused
    told = told_by_google(claims, issuer=str(claims["iss"]))
    return _Believed(told=told, once=str(claims["jti"]), until=work.now + MAX_AHEAD + MAX_AGE)


async def _named(
    work: Work, *, client: UpstreamClient, provider: Provider, told: Told
) -> list[Grant]:
    ours = {
        "issuer": provider.issuer_of_identities,
        "upstream_client_id": client.at_provider.client_id,
    }
    named: list[Grant] = []
    for subject in dict.fromkeys(told.subjects):
        named += await store.lock_named(work, **ours, subject=subject)
    if told.below:
        named += await store.lock_below(work, **ours, prefix=told.below)
    return named


async def _ask(
    work: Work, parts: Parts, believed: _Believed, *, client: UpstreamClient, provider: Provider
) -> None:
    """Have the provider say whether the account is gone again, or its event sent again by others.

    A person who took the authorization back, gave it anew and took it back again is told of in
    the same words each time. Asked once an hour at most, whoever sends how many.
    """
    hour = work.now.replace(minute=0, second=0, microsecond=0)
    once, until = f"{believed.once} {hour.isoformat()}", hour + 2 * _HOUR
    if not await _is_new(work, client.provider, once, until=until):
        return
    for grant in await _named(work, client=client, provider=provider, told=believed.told):
        if grant.state == "active":
            work.once_durable(partial(_refresh, parts, work.site, grant))


async def _refresh(parts: Parts, site: Site, grant: Grant) -> None:
    try:
        await refresh(
            parts,
            site,
            grant_id=grant.id,
            provider=grant.provider,
            seen_generation=grant.generation,
        )
    except Refusal as refused:
        # The event was heard all the same: whoever uses the token next finds out.
        _log.info("an event was not looked into", grant_id=grant.id, refusal=refused.code)


async def _end(work: Work, *, client: UpstreamClient, provider: Provider, told: Told) -> None:
    named = await _named(work, client=client, provider=provider, told=told)
    for grant in named:
        await end_grant(work, grant, reason=told.reason)
    await work.record(
        ProviderEventTaken(provider=client.provider, reason=told.reason, grants=len(named))
    )


def _object(sent: Sent) -> Mapping[str, Any]:
    """Read a signed body: JSON, or GitHub's form with JSON in it."""
    text = sent.body.decode("utf-8", "replace")
    if sent.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = (parse_qs(text, max_num_fields=10).get("payload") or [""])[0]
    try:
        read = parse_json(text, any_text=True)
    except (JSONDecodeError, ValueError):
        raise _refused("no JSON") from None
    if not isinstance(read, dict):
        raise _refused("no object")
    return read


def _refused(detail: str) -> MalformedRequest:
    return MalformedRequest("event_refused", "This event is not believed.", detail=detail)
