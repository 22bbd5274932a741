"""Come back from a provider: take the state, check ``iss``, exchange, verify, identify."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from limen.db.work import Work
from limen.federation import store
from limen.federation.begin import browser_hash, verifier_place
from limen.federation.call import ask_documents, call_as_client
from limen.federation.events import CallbackRefused
from limen.federation.id_token import ExpectedIdToken, verify_id_token
from limen.federation.parts import Parts
from limen.federation.provider import (
    Endpoints,
    Exchange,
    ExternalIdentity,
    Provider,
    Purpose,
    TokenAnswer,
    Told,
    unidentified,
)
from limen.federation.store import Away, Binding
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.actor import Actor
from limen.kernel.errors import MalformedRequest, OAuthRefusal, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import token_hash
from limen.protocol.params import Params

FindProvider = Callable[[str, Mapping[str, Any]], Provider]
"""Names the provider of an id and a client's configuration, or refuses."""

Taken = Callable[[Mapping[str, Any]], None]
"""Told a journey's detail as given to ``begin``: whoever is here now is who left."""

_MAX_CODE_CHARS: Final = 2048
_MAX_LABEL_CHARS: Final = 200
_MAX_SUBJECT_CHARS: Final = 512
"""Twice what OpenID Connect Core 2 allows: some are made of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A browser at one of our callbacks.

    Args:
        provider: Named by the callback's own path, never by a parameter.
        purpose: As ``provider``: the two have different paths.
        actor: Who is signed in here, now.
        raw_browser: The secret in this browser's cookie, for journeys without a session.
    """

    params: Params
    provider: str
    purpose: Purpose
    actor: Actor
    raw_browser: Secret[str] | None = None

    def binding(self) -> Binding:
        """Return what the journey must have been begun with."""
        connecting = self.purpose == "connect"
        return Binding(
            purpose=self.purpose,
            provider=self.provider,
            user_id=self.actor.id if connecting else "",
            session_id=self.actor.session_id if connecting else "",
            browser_hash=browser_hash(None if connecting else self.raw_browser),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Whose tokens a journey ended with.

    Args:
        requested_at: When the exchange was begun: lifetimes count from then (F32).
        detail: As given to ``begin``, with the ``scopes`` asked for.
    """

    provider: Provider
    client: UpstreamClient
    identity: ExternalIdentity
    answer: TokenAnswer
    requested_at: dt.datetime
    detail: Mapping[str, Any]


async def finish(
    parts: Parts,
    site: Site,
    *,
    callback: Callback,
    find_provider: FindProvider,
    taken: Taken | None = None,
) -> Finished:
    """End a journey; opens short Works of its own, none of them around a call.

    The state is taken, durably, before the code goes anywhere: of any number of copies of one
    callback one comes through. ``iss`` is checked before that (RFC 9207 section 2.4: N113,
    N114), so that a code of another provider reaches no token endpoint.

    Args:
        parts: Federation's.
        site: The tenant.
        callback: The browser that is back.
        find_provider: Names the provider.
        taken: Called once the journey is this browser's for sure, before anything of the
            provider's is looked at: a refusal after it may be told where the journey began.

    Raises:
        MalformedRequest: ``callback_invalid``: no journey of this browser and person;
            ``provider_denied``: the person said no; ``provider_refused``;
            ``provider_id_token``: what came back is not proof.
        NotPermitted: ``provider_disabled``.
        ProviderUnavailable: The provider did not answer as its protocol says.
    """
    client = await parts.works.run(site, _reader(parts, callback), actor=callback.actor)
    provider = find_provider(callback.provider, client.config)
    now = parts.works.clock.now()
    endpoints = await provider.endpoints(parts.net, now=now)
    _check_issuer(provider, endpoints, callback.params)
    away, raw_verifier = await parts.works.run(
        site, _taker(parts, client, callback), actor=callback.actor
    )
    if taken is not None:
        taken(away.detail)
    raw_code = _read_code(callback.params)
    requested_at = parts.works.clock.now()
    answer = await _exchange(
        parts,
        provider,
        endpoints=endpoints,
        client=client,
        params=provider.exchange_params(
            Exchange(
                raw_code=raw_code,
                raw_verifier=raw_verifier,
                redirect_uri=away.redirect_uri,
                scopes=away.detail["scopes"],
            )
        ),
    )
    claims = await _verified_claims(parts, provider, endpoints=endpoints, away=away, answer=answer)
    operations = provider.documents_for(
        endpoints, purpose=callback.purpose, has_claims=bool(claims), answer=answer
    )
    documents = await ask_documents(
        parts.net,
        provider,
        operations,
        raw_access=answer.raw_access,
        client=client.at_provider,
    )
    _check_userinfo(documents.get("userinfo"), claims)
    told = Told(
        answer=answer,
        claims=claims,
        documents=documents,
        callback=_unsigned(callback.params),
    )
    return Finished(
        provider=provider,
        client=client,
        identity=in_plain(provider.identify(told), provider=provider.id),
        answer=answer,
        requested_at=requested_at,
        detail=away.detail,
    )


def _reader(parts: Parts, callback: Callback) -> Callable[[Work], Any]:
    async def read(work: Work) -> UpstreamClient:
        return await get_upstream_client(work, parts.envelope, provider=callback.provider)

    return read


def _taker(parts: Parts, client: UpstreamClient, callback: Callback) -> Callable[[Work], Any]:
    async def take(work: Work) -> tuple[Away, Secret[str]]:
        raw_state = callback.params.secret("state")
        away = None
        if raw_state is not None:
            away = await store.take_away(
                work, state_hash=token_hash(raw_state), bound=callback.binding()
            )
        if away is None or away.upstream_client_id != client.at_provider.client_id:
            _refuse_later(work, callback, "state")
            raise MalformedRequest(
                "callback_invalid",
                "This sign-in or connection was not begun in this browser, or took too long.",
                detail="no such state",
            )
        place = verifier_place(away.state_hash)
        raw = await parts.envelope.open(work, place, away.sealed_verifier)
        return away, Secret(raw.reveal().decode())

    return take


def _refuse_later(work: Work, callback: Callback, reason: str) -> None:
    async def keep(later: Work) -> None:
        await later.record(
            CallbackRefused(provider=callback.provider, purpose=callback.purpose, reason=reason)
        )

    work.even_if_refused(keep)


def _check_issuer(provider: Provider, endpoints: Endpoints, params: Params) -> None:
    """Refuse an answer of another authorization server: mix-up (RFC 9207 section 2.4)."""
    issuer = params.one("iss")
    if issuer is None:
        if not endpoints.sends_iss:
            return
    elif provider.accepts_issuer(issuer, endpoints):
        return
    raise MalformedRequest(
        "callback_invalid",
        "The answer does not come from the provider that was asked.",
        detail=f"{provider.id}: iss",
    )


def _read_code(params: Params) -> Secret[str]:
    """Return the code, or refuse with what the provider said instead."""
    error = params.one("error")
    if error is not None:
        if error == "access_denied":
            raise MalformedRequest("provider_denied", "Access was not allowed at the provider.")
        raise MalformedRequest(
            "provider_refused", "The provider refused the request.", detail=error[:80]
        )
    raw_code = params.secret("code")
    if raw_code is None or len(raw_code.reveal()) > _MAX_CODE_CHARS:
        raise OAuthRefusal("invalid_request", "The answer carries no code.")
    return raw_code


async def _exchange(
    parts: Parts,
    provider: Provider,
    *,
    endpoints: Endpoints,
    client: UpstreamClient,
    params: Mapping[str, str],
) -> TokenAnswer:
    answer = await call_as_client(
        parts.net, provider, endpoints.exchange, params=params, client=client.at_provider
    )
    meaning = provider.classify(answer)
    if meaning == "ok" and not provider.may_send(answer):
        raise ProviderUnavailable(detail=f"{provider.id}: a token of another type")
    if meaning == "ok":
        return provider.read_tokens(answer)
    detail = f"{provider.id}: exchange {meaning} {answer.status}"
    if meaning in {"grant_dead", "interaction_required", "scope_insufficient"}:
        raise MalformedRequest(
            "provider_refused", "The provider did not accept the answer.", detail=detail
        )
    if meaning == "client_broken":
        raise ProviderUnavailable(
            "provider_client_broken", "The provider refuses this server.", detail=detail
        )
    raise ProviderUnavailable(detail=detail)


async def _verified_claims(
    parts: Parts, provider: Provider, *, endpoints: Endpoints, away: Away, answer: TokenAnswer
) -> Mapping[str, Any]:
    """Return the ID token's claims; one that was asked for must be there."""
    if not endpoints.jwks_uri or "openid" not in away.detail["scopes"]:
        return {}
    if answer.raw_id_token is None:
        raise MalformedRequest(
            "provider_id_token",
            "The provider's answer could not be verified.",
            detail=f"{provider.id}: no ID token",
        )
    claims = await verify_id_token(
        answer.raw_id_token,
        parts.keys,
        provider=provider,
        endpoints=endpoints,
        expected=ExpectedIdToken(
            client_id=away.upstream_client_id,
            nonce_hash=away.nonce_hash,
            raw_access=answer.raw_access,
            now=parts.works.clock.now(),
        ),
    )
    provider.check_claims(claims)
    return claims


def _check_userinfo(userinfo: Any, claims: Mapping[str, Any]) -> None:
    """UserInfo beside an ID token must be of the same subject (N120)."""
    if userinfo is None or not claims:
        return
    if not isinstance(userinfo, Mapping) or userinfo.get("sub") != claims["sub"]:
        raise MalformedRequest(
            "provider_id_token",
            "The provider's answer could not be verified.",
            detail="userinfo of another subject",
        )


def in_plain(identity: ExternalIdentity, *, provider: str) -> ExternalIdentity:
    """Return an identity with a label that reads as it is written, on one line.

    People decide by it whose account it is, and whoever has an account chooses what it is called:
    with marks that turn the direction of writing it reads like another.

    Raises:
        ProviderUnavailable: ``provider_identity``: its key is none that can be kept.
    """
    if len(identity.subject) > _MAX_SUBJECT_CHARS or not identity.subject.isprintable():
        raise unidentified(provider, "a subject that can't be kept")
    plain = "".join(char for char in identity.label if char.isprintable())[:_MAX_LABEL_CHARS]
    return replace(identity, label=plain.strip() or identity.subject[:_MAX_LABEL_CHARS])


def _unsigned(params: Params) -> dict[str, str]:
    """Return what Apple puts beside the code: the name, once, signed by nobody."""
    user = params.one("user")
    return {} if user is None else {"user": user}
