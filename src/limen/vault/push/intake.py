"""Take one event: who signed it, whether it came before, whose grants end."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any, Final
from urllib.parse import parse_qs

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import MalformedRequest, NotFound, Refusal
from limen.kernel.foreign_json import parse_json
from limen.protocol.jwt import JwtRefused
from limen.tokens.replay.first_time import first_time
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.push import store
from limen.vault.push.events import ProviderEventTaken
from limen.vault.push.hmac_events import is_githubs, is_slacks
from limen.vault.push.risc import MAX_AGE, verify_event
from limen.vault.push.secrets import push_secret
from limen.vault.push.told import Told, told_by_github, told_by_google, told_by_slack
from limen.vault.refresh.apply import end_grant

_REMEMBERED: Final = dt.timedelta(days=30)


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
    """An event whose signature is good; ``once`` is what must not come again."""

    told: Told
    once: str
    until: dt.datetime


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
    until = believed.until
    is_new = await first_time(
        work, kind="provider_event", of=provider, value=believed.once, until=until
    )
    if is_new and believed.told.reason:
        await _end(work, client=client, provider=found, told=believed.told)
    return ""


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
        # The id is not signed: it is remembered together with what is.
        once = f"{delivery} {hashlib.sha256(sent.body).hexdigest()}"
        return _Believed(told=told, once=once, until=work.now + _REMEMBERED)
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
    return _Believed(told=told, once=str(claims["jti"]), until=work.now + MAX_AGE)


async def _end(work: Work, *, client: UpstreamClient, provider: Provider, told: Told) -> None:
    ours = {
        "issuer": provider.issuer_of_identities,
        "upstream_client_id": client.at_provider.client_id,
    }
    named: list[Grant] = []
    for subject in dict.fromkeys(told.subjects):
        named += await store.lock_named(work, **ours, subject=subject)
    if told.below:
        named += await store.lock_below(work, **ours, prefix=told.below)
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
