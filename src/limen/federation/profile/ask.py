"""Ask a provider again what it says of a person who is away, with what access there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from limen.federation.call import ask_documents, call_as_client
from limen.federation.id_token import EXPECT_NO_NONCE, ExpectedIdToken, verify_id_token
from limen.federation.parts import Parts
from limen.federation.profile.store import Record
from limen.federation.profile.words import Words
from limen.federation.provider import Endpoints, ExternalIdentity, Provider, TokenAnswer, Told
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel.errors import MalformedRequest, ProviderUnavailable
from limen.kernel.secret import Secret


class OtherAccount(Exception):  # noqa: N818 -- it says what is found, as Refusals do
    """The provider answered for another account than the one that is linked (N121)."""


class AccessGone(Exception):  # noqa: N818 -- as above
    """The provider takes the refresh token no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A provider, and who we are there."""

    client: UpstreamClient
    provider: Provider
    endpoints: Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a provider may be asked with.

    Args:
        answer: Carries the access token.
        claims: Of a verified ID token that came along; empty without one.
    """

    answer: TokenAnswer
    claims: Mapping[str, Any] = field(default_factory=dict)


async def refresh_access(
    parts: Parts, upstream: Upstream, *, record: Record, raw_refresh: Secret[str]
) -> Access:
    """Redeem a kept refresh token, once.

    Raises:
        AccessGone: It is good no more.
        OtherAccount: What came is of somebody else.
        ProviderUnavailable: Not now; unless ``sent`` is false nobody knows what became of it.
    """
    provider = upstream.provider
    answer = await call_as_client(
        parts.net,
        provider,
        upstream.endpoints.refresh,
        params=provider.refresh_params(raw_refresh, scopes=provider.sign_in_scopes),
        client=upstream.client.at_provider,
    )
    meaning = provider.classify(answer)
    if meaning in {"grant_dead", "interaction_required"}:
        raise AccessGone
    if meaning != "ok" or not provider.may_send(answer):
        raise ProviderUnavailable(detail=f"{provider.id}: profile refresh {meaning}", sent=False)
    tokens = provider.read_tokens(answer)
    if tokens.raw_id_token is None:
        return Access(answer=tokens)
    claims = await _claims(parts, upstream, tokens)
    if provider.names_other_account(claims, issuer=record.issuer, subject=record.subject):
        raise OtherAccount
    return Access(answer=tokens, claims=claims)


async def ask_profile(
    parts: Parts, upstream: Upstream, *, record: Record, access: Access, before: Words
) -> ExternalIdentity:
    """Return what the provider says of a linked account now.

    Without a new ID token what only one says stays as it was said at the last sign-in.

    Raises:
        OtherAccount: It speaks of another one.
        ProviderUnavailable: It does not say, or not now.
    """
    provider, answer = upstream.provider, access.answer
    operations = provider.documents_for(
        upstream.endpoints, purpose="sign_in", has_claims=bool(access.claims), answer=answer
    )
    documents = await ask_documents(
        parts.net,
        provider,
        operations,
        raw_access=answer.raw_access,
        client=upstream.client.at_provider,
    )
    userinfo = documents.get("userinfo", {})
    if access.claims and userinfo and userinfo.get("sub") != access.claims.get("sub"):
        raise OtherAccount
    claims = access.claims or _as_signed_in(record, userinfo)
    identity = provider.identify(Told(answer=answer, claims=claims, documents=documents))
    if (identity.issuer, identity.subject) != (record.issuer, record.subject):
        raise OtherAccount
    same_address = identity.email == before.email
    # What a new ID token leaves out is said no more: a group that somebody left, say.
    unsaid = {} if access.claims else before.profile
    return replace(
        identity,
        profile={**unsaid, **identity.profile},
        email_verified=identity.email_verified or (same_address and before.email_verified),
    )


def _as_signed_in(record: Record, userinfo: object) -> Mapping[str, Any]:
    """Return what an ID token would say, of a UserInfo answer; whose it is shows afterwards."""
    if not isinstance(userinfo, Mapping) or not isinstance(userinfo.get("sub"), str):
        return {}
    return {**userinfo, "iss": record.issuer}


async def _claims(parts: Parts, upstream: Upstream, tokens: TokenAnswer) -> Mapping[str, Any]:
    assert tokens.raw_id_token is not None
    try:
        return await verify_id_token(
            tokens.raw_id_token,
            parts.keys,
            provider=upstream.provider,
            endpoints=upstream.endpoints,
            expected=ExpectedIdToken(
                client_id=upstream.client.at_provider.client_id,
                nonce_hash=EXPECT_NO_NONCE,
                raw_access=tokens.raw_access,
                now=parts.works.clock.now(),
            ),
        )
    except MalformedRequest:
        raise OtherAccount from None
