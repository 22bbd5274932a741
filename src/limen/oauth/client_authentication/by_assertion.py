"""``private_key_jwt`` and ``client_secret_jwt``: a JWT the client signed (RFC 7523)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import InvalidClient, Unavailable
from limen.kernel.secret import Secret
from limen.oauth.client_authentication.presented import Presented
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.oauth.registry.client_secrets import open_secret
from limen.protocol.client_assertion import (
    LONGEST,
    Assertion,
    allowed_algorithms,
    verify_client_assertion,
)
from limen.protocol.client_authentication import FAILED, AssertionCredentials, failed
from limen.protocol.client_metadata import AssertionAudience
from limen.protocol.jwk import KeySet, secret_key_set
from limen.protocol.jwt import JwtRefused, read_kid
from limen.protocol.jwt_told import ProvenRefused, told
from limen.protocol.metadata import PATHS
from limen.tenants.policy_of import policy_of

ASSERTION_METHODS: Final = frozenset({"private_key_jwt", "client_secret_jwt"})
_NO_SHARED_SECRET: Final = frozenset({"fapi2", "fapi2_message_signing", "mcp"})


async def check_assertion(
    work: Work,
    *,
    parts: Parts,
    client: Client | None,
    credentials: AssertionCredentials,
    presented: Presented,
) -> None:
    """Check an assertion against what the client registered, then that it is new (N063).

    It is remembered last, so that nobody but the client can use up a ``jti``.

    Raises:
        InvalidClient: In one text as long as the signature has not proven good, and for
            another ``iss`` or ``sub`` (N064); keys that can't be had too. Who holds the key
            reads which claim is wrong.
    """
    if client is None or not _may_sign(client):
        raise failed()
    try:
        assertion = await _verify(
            work, parts=parts, client=client, credentials=credentials, presented=presented
        )
    except JwtRefused as refusal:
        raise _not_held(work, refusal) from None
    except Unavailable as refusal:
        raise failed(detail=f"assertion: {refusal.detail or refusal.code}") from None
    if not await presented.remember(client.client_id, assertion.jti, assertion.until):
        raise _not_held(work, ProvenRefused("replayed"))


def _not_held(work: Work, refusal: JwtRefused) -> InvalidClient:
    words = {"aud": f"aud must be the issuer alone, one string and no array: {work.site.issuer}"}
    public = told(refusal, otherwise="", words=words, longest=LONGEST)
    return failed(
        f"The client assertion: {public}" if public else FAILED,
        detail=f"assertion: {refusal.reason}",
    )


def _may_sign(client: Client) -> bool:
    """Say whether the client registered to sign; a service account may besides its secrets."""
    return client.auth_method in ASSERTION_METHODS or client.is_service_account


def audience_in_force(work: Work, client: Client) -> AssertionAudience:
    """Return whom a client's assertions may be for: its own word, or else its tenant's.

    The profiles ``fapi2`` and ``mcp`` have the issuer alone, and so has who signs none.
    """
    if client.metadata.profile in _NO_SHARED_SECRET or not _may_sign(client):
        return "issuer"
    return client.metadata.assertion_audience or policy_of(work).assertion_audience


def accepted_audiences(work: Work, *, parts: Parts, client: Client, path: str) -> frozenset[str]:
    """Return what ``aud`` may be: the issuer, or for some clients also an endpoint's URL.

    A client that signs for whatever URL it was told to call can be made to sign for ours by
    somebody who answers discovery in our place; hence the issuer alone, unless the client or
    its tenant chose otherwise, and always under ``fapi2`` and ``mcp``.

    Args:
        work: Of the tenant.
        parts: Know our second address, the one for certificates.
        client: Whose assertion.
        path: The endpoint called. URLs are built from the issuer, never from the request.
    """
    issuer = work.site.issuer
    if audience_in_force(work, client) == "issuer":
        return frozenset({issuer})
    alias = parts.mtls.alias_of(issuer) if parts.mtls is not None else None
    roots = [issuer] if alias is None else [issuer, alias]
    paths = (PATHS["token_endpoint"], path)
    return frozenset({issuer, *(root + each for root in roots for each in paths)})


async def _verify(
    work: Work,
    *,
    parts: Parts,
    client: Client,
    credentials: AssertionCredentials,
    presented: Presented,
) -> Assertion:
    by_secret = client.metadata.seals_secret
    if by_secret and client.metadata.profile in _NO_SHARED_SECRET:
        raise JwtRefused("method")
    algorithms = allowed_algorithms(
        secret=by_secret,
        registered=client.metadata.token_endpoint_auth_signing_alg,
        is_fapi=client.metadata.is_fapi,
    )
    audiences = accepted_audiences(work, parts=parts, client=client, path=presented.path)
    refusal = JwtRefused("no_keys")
    for keys in await _key_sets(work, parts, client=client, raw=credentials.raw_assertion):
        try:
            return verify_client_assertion(
                credentials.raw_assertion,
                keys,
                client_id=client.client_id,
                audiences=audiences,
                algorithms=algorithms,
                now=work.now,
            )
        except ProvenRefused:
            raise
        except JwtRefused as again:
            refusal = again
    raise refusal


async def _key_sets(
    work: Work, parts: Parts, *, client: Client, raw: Secret[str]
) -> Sequence[KeySet]:
    """Return what may have signed: the client's published keys, or each secret we share."""
    if not client.metadata.seals_secret:
        return [await parts.client_keys.keys_of(work, client, kid=read_kid(raw.reveal()))]
    return [
        secret_key_set(await open_secret(work, parts.envelope, secret))
        for secret in client.secrets
        if secret.sealed_secret is not None and secret.is_valid(now=work.now)
    ]
