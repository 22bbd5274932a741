"""Whose account a line's tokens open: the provider is asked, and nobody else is believed.

The access token tells without a price, where it still works and the provider tells by it. What is
connected is proven by redeeming the refresh token, once. Where that consumes it the new one is kept
before anything else happens (``unclaimed``); a dry run does not do it unless told to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from limen.db.work import Work
from limen.federation.call import AccessRefused, ask_documents, call_as_client
from limen.federation.finish import in_plain
from limen.federation.health.incidents import draw_rate
from limen.federation.id_token import EXPECT_NO_NONCE, ExpectedIdToken, verify_id_token
from limen.federation.provider import (
    Endpoints,
    ExternalIdentity,
    Provider,
    ProviderAnswer,
    TokenAnswer,
    Told,
    unidentified,
)
from limen.kernel.errors import (
    Conflict,
    ProviderUnavailable,
    Unavailable,
)
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.model import Grant
from limen.vault.moving.line import ConnectionLine
from limen.vault.moving.outcome import How, Proof
from limen.vault.moving.target import Target
from limen.vault.moving.unclaimed import held_tokens, hold, hold_successor, let_go
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Journalled
from limen.vault.refresh.claim import Upstream, may_ask
from limen.vault.refresh.outcome import Busy, Ended, Moved, Outcome, Postponed
from limen.vault.refresh.redeem import refresh
from limen.vault.store import grants

_HARMLESS: Final = frozenset({"static", "replace_keep_old"})


class WouldBeSpent(Exception):  # noqa: N818 -- it says what is found, as Refusals do
    """Only the refresh token would tell, and using it would end it for who uses it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Whose account it is.

    Args:
        answer: The line's own tokens, or what came in exchange. For a held grant that was
            redeemed before, its access token alone; ``None`` for tokens that are a
            connection's already.
        held: The unclaimed grant that keeps what came in exchange.
        requested_at: When the tokens of ``answer`` were asked for.
    """

    identity: ExternalIdentity
    proof: Proof
    answer: TokenAnswer | None
    requested_at: dt.datetime
    held: Grant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, whom, about what."""

    parts: Parts
    site: Site
    line: ConnectionLine
    target: Target
    endpoints: Endpoints

    @property
    def provider(self) -> Provider:
        """The provider."""
        return self.target.provider


async def prove_by_access(asking: Asking) -> Proven | None:
    """Return what the line's access token tells; ``None`` if there is none that tells anything.

    Raises:
        ProviderUnavailable: Not now; bring the line again.
    """
    raw_access = asking.line.raw_access
    if raw_access is None or _has_expired(asking):
        return None
    return await _told_by(asking, raw_access)


async def prove_by_refresh(asking: Asking, *, how: How) -> Proven:
    """Return whose account the refresh token opens, by redeeming it.

    What is connected then came with one answer: that the line's two tokens are of one account
    nobody has to believe.

    Raises:
        WouldBeSpent: In a dry run that may spend nothing.
        Conflict: ``import_unproven``: there is none, and the access token told nothing;
            ``import_token_dead``; ``import_uncertain``: it was sent once and its answer lost.
        ProviderUnavailable, Unavailable: Not now; nothing is lost, bring the line again.
        MalformedRequest, NotPermitted: What came is not proof, or of another organization.
    """
    held, raw_refresh = asking.target.held, asking.line.raw_refresh
    if held is not None:
        return await _by_held(asking, held, how=how)
    if raw_refresh is None:
        raise Conflict("import_unproven", "The provider does not say whose access token this is.")
    if how.dry_run and is_harmless(asking.provider):
        return await _by_harmless_refresh(asking, raw_refresh)
    if how.dry_run and not how.by_refresh:
        raise WouldBeSpent
    kept = await asking.parts.works.run(
        asking.site,
        lambda work: hold(work, asking.parts, target=asking.target, line=asking.line),
    )
    return await _by_held(asking, kept, how=how)


def is_harmless(provider: Provider) -> bool:
    """Say whether redeeming a refresh token takes nothing from who else uses it."""
    lifetime = provider.facts.lifetime
    return lifetime.rotation in _HARMLESS and not lifetime.kills_access_token


def _has_expired(asking: Asking) -> bool:
    expires_at = asking.line.expires_at
    return expires_at is not None and expires_at <= asking.parts.works.clock.now()


async def _told_by(asking: Asking, raw_access: Secret[str]) -> Proven | None:
    """Return what an access token tells; ``None`` if it is good no more, or tells no account."""
    line, now = asking.line, asking.parts.works.clock.now()
    answer = TokenAnswer(
        raw_access=raw_access,
        raw_refresh=line.raw_refresh,
        expires_in=_seconds_of(line, now=now),
        scope=None,
        raw_id_token=None,
        members={},
    )
    try:
        identity = await _identity(asking, answer)
    except AccessRefused:
        return None
    except ProviderUnavailable as refusal:
        if refusal.code == "provider_identity":
            return None
        raise
    requested_at = _asked_at(line, now=now)
    return Proven(identity=identity, proof="access_token", answer=answer, requested_at=requested_at)


async def _by_held(asking: Asking, held: Grant, *, how: How) -> Proven:
    """Redeem what is kept here already, unless it was and its access token tells enough."""
    parts, site = asking.parts, asking.site
    if held.generation > 1:
        tokens = await parts.works.run(site, lambda work: held_tokens(work, parts, held))
        found = None if tokens is None else await _told_by(asking, tokens.raw_access)
        if found is not None:
            return replace(found, proof="refresh", held=held)
    if how.dry_run and not how.by_refresh and not is_harmless(asking.provider):
        raise WouldBeSpent
    heard, held = await _redeem(asking, held)
    answer = asking.provider.read_tokens(heard.answer)
    return Proven(
        identity=await _identity(asking, answer),
        proof="refresh",
        answer=answer,
        requested_at=heard.requested_at,
        held=held,
    )


async def _redeem(asking: Asking, held: Grant) -> tuple[Journalled, Grant]:
    """Refresh a held grant by the one way there is, and return what the provider answered.

    A crash may have left an answer in the journal: that is applied first, and names nobody.
    """
    parts, site = asking.parts, asking.site
    heard: list[Journalled] = []
    outcome: Outcome = Busy()
    grant_id = held.id
    for _ in range(2):
        outcome = await refresh(
            parts,
            site,
            grant_id=grant_id,
            provider=held.provider,
            seen_generation=held.generation,
            heard=heard.append,
        )
        now = await parts.works.run(site, lambda work: grants.find_grant(work, grant_id))
        assert now is not None
        held = now
        if heard or not isinstance(outcome, Moved):
            break
    if heard and isinstance(outcome, Moved) and asking.provider.classify(heard[-1].answer) == "ok":
        return heard[-1], held
    await _refuse(asking, held, outcome)
    raise Unavailable("refresh_in_progress", "These tokens are being redeemed; try again.")


async def _refuse(asking: Asking, held: Grant, outcome: Outcome) -> None:
    """Say why nothing came in exchange; what can't be redeemed any more is wiped."""
    if isinstance(outcome, Postponed):
        raise _not_now(outcome.reason)
    if held.state == "uncertain":
        raise _uncertain()
    if isinstance(outcome, Ended) or held.state != "active":
        await asking.parts.works.run(
            asking.site, lambda work: let_go(work, asking.parts, held, reason="refused")
        )
        raise _uncertain() if held.reason == "lost_rotation" else _dead(held.reason)


async def _by_harmless_refresh(asking: Asking, raw_refresh: Secret[str]) -> Proven:
    """Redeem, for a dry run, what stays good: nothing is written.

    The answer knows better than the catalogue: what came in exchange although nothing should
    is kept.
    """
    parts, site, target = asking.parts, asking.site, asking.target
    upstream = Upstream(client=target.client, provider=asking.provider)

    async def may_be_asked(work: Work) -> bool:
        rate = target.client.refreshes_per_second
        return await may_ask(work, upstream) and not await draw_rate(
            work, provider=target.client.provider, per_second=rate
        )

    if not await parts.works.run(site, may_be_asked):
        raise _not_now("client_blocked")
    requested_at = parts.works.clock.now()
    scopes = asking.provider.normalise(asking.line.scopes)
    told = await call_as_client(
        parts.net,
        asking.provider,
        asking.endpoints.refresh,
        params=asking.provider.refresh_params(raw_refresh, scopes=scopes),
        client=target.client.at_provider,
    )
    answer = _tokens_of(asking.provider, told)
    held = None
    is_static = asking.provider.facts.lifetime.rotation == "static"
    if is_static and answer.raw_refresh not in {None, raw_refresh}:
        held = await parts.works.run(
            site,
            lambda work: hold_successor(
                work, parts, target=target, line=asking.line, answer=answer
            ),
        )
    return Proven(
        identity=await _identity(asking, answer),
        proof="refresh",
        answer=answer,
        requested_at=requested_at,
        held=held,
    )


def _tokens_of(provider: Provider, told: ProviderAnswer) -> TokenAnswer:
    match provider.classify(told):
        case "ok":
            return provider.read_tokens(told)
        case "grant_dead" | "interaction_required" as reason:
            raise _dead(reason)
        case other:
            raise _not_now(other)


async def _identity(asking: Asking, answer: TokenAnswer) -> ExternalIdentity:
    """Return whose account an answer is of: by its ID token, by itself, or by documents."""
    claims = await _claims(asking, answer)
    try:
        operations = asking.provider.documents_for(
            asking.endpoints, purpose="connect", has_claims=bool(claims), answer=answer
        )
    except ProviderUnavailable as refusal:
        raise unidentified(asking.provider.id, refusal.detail) from None
    documents = await ask_documents(
        asking.parts.net,
        asking.provider,
        operations,
        raw_access=answer.raw_access,
        client=asking.target.client.at_provider,
    )
    userinfo = documents.get("userinfo")
    if not claims:
        claims = _as_claims(asking.provider, userinfo)
    elif userinfo is not None and userinfo.get("sub") != claims["sub"]:
        raise unidentified(asking.provider.id, "userinfo of another subject")
    told = Told(answer=answer, claims=claims, documents=documents)
    found = asking.provider.identify(told)
    if not found.subject:
        raise unidentified(asking.provider.id, "an empty subject")
    return in_plain(found, provider=asking.provider.id)


async def _claims(asking: Asking, answer: TokenAnswer) -> Mapping[str, Any]:
    if answer.raw_id_token is None or not asking.endpoints.jwks_uri:
        return {}
    parts = asking.parts
    claims = await verify_id_token(
        answer.raw_id_token,
        parts.federation.keys,
        provider=asking.provider,
        endpoints=asking.endpoints,
        expected=ExpectedIdToken(
            client_id=asking.target.client.at_provider.client_id,
            nonce_hash=EXPECT_NO_NONCE,
            raw_access=answer.raw_access,
            now=parts.works.clock.now(),
        ),
    )
    asking.provider.check_claims(claims)
    return claims


def _as_claims(provider: Provider, userinfo: object) -> Mapping[str, Any]:
    """Return what an ID token would say of a UserInfo answer (OpenID Connect Core 5.3.2)."""
    if not isinstance(userinfo, Mapping) or not isinstance(userinfo.get("sub"), str):
        return {}
    return {**userinfo, "iss": provider.issuer_of_identities}


def _asked_at(line: ConnectionLine, *, now: dt.datetime) -> dt.datetime:
    issued_at = line.issued_at
    return issued_at if issued_at is not None and issued_at <= now else now


def _seconds_of(line: ConnectionLine, *, now: dt.datetime) -> int | None:
    """Return how long the access token lives, from when it was issued as far as that is told."""
    if line.expires_at is None:
        return None
    return max(0, int((line.expires_at - _asked_at(line, now=now)).total_seconds()))


def _not_now(reason: str) -> ProviderUnavailable:
    text = "The provider can't be asked at the moment; bring the line again."
    return ProviderUnavailable("provider_unavailable", text, detail=reason)


def _dead(reason: str) -> Conflict:
    text = "The provider takes this refresh token no more: its person has to connect anew."
    return Conflict("import_token_dead", text, detail=reason)


def _uncertain() -> Conflict:
    text = "This refresh token was sent and its answer lost: its person has to connect anew."
    return Conflict("import_uncertain", text)
