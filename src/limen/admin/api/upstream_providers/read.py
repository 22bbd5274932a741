"""From a request's body to what a use case takes."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool

from limen.admin.api.upstream_providers.schemas import ClientBody, SecretBody
from limen.db.work import Work
from limen.federation.clients.credentials import ClientKey, SharedSecret
from limen.federation.clients.make_key import GivenKey, make_key, take_key
from limen.federation.clients.sealed import NewCredential
from limen.federation.upstream_clients import NewUpstreamClient
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret


async def read_credential(work: Work, body: SecretBody) -> NewCredential:
    """Return the secret or key a body holds; one of our own is made in a thread.

    Raises:
        InvalidInput: ``client_secret_missing``: none, or several; ``client_key_invalid``.
    """
    given = [body.client_secret is not None, body.private_key is not None, body.make_key]
    if sum(given) != 1:
        text = "Give a client_secret, or a private_key, or make_key: one of them."
        raise InvalidInput("client_secret_missing", text, field="client_secret")
    if body.client_secret is not None:
        secret = SharedSecret(raw=Secret(body.client_secret))
        return NewCredential(credential=secret, expires_at=body.expires_at)
    if body.make_key:
        await work.let_go()
        return await run_in_threadpool(make_key, name=work.site.issuer, now=work.now)
    return _key(body)


async def read_client(work: Work, *, provider: str, body: ClientBody) -> NewUpstreamClient:
    """Return the client a body describes."""
    return NewUpstreamClient(
        provider=provider,
        client_id=body.client_id,
        credential=None if body.credentials_only else await read_credential(work, body),
        credentials_only=body.credentials_only,
        issuer=body.issuer,
        title=body.title,
        scopes=body.scopes,
        connect_scopes=body.connect_scopes,
        values=body.values,
        allowed_tenants=body.allowed_tenants,
        refreshes_per_second=body.refreshes_per_second,
    )


def _key(body: SecretBody) -> NewCredential:
    raw_pem = Secret(body.private_key or "")
    if body.certificate is not None:
        return take_key(GivenKey(raw_pem=raw_pem, certificate=body.certificate))
    key = ClientKey(
        kind="signed_secret",
        raw_pem=raw_pem,
        alg="ES256",
        kid=body.key_id or "",
        team_id=body.team_id or "",
    )
    return NewCredential(credential=key, expires_at=body.expires_at)
