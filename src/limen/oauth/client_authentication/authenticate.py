"""Authenticate the client that calls: one flow, whatever it presents and wherever it calls."""

from __future__ import annotations

from functools import partial

from limen.db.work import Work
from limen.kernel.errors import InvalidClient
from limen.oauth.client_authentication.by_assertion import check_assertion
from limen.oauth.client_authentication.by_certificate import (
    CERTIFICATE_METHODS,
    check_certificate,
)
from limen.oauth.client_authentication.by_secret import check_secret
from limen.oauth.client_authentication.presented import Presented
from limen.oauth.events import ClientRefused
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.oauth.service_accounts.model import SERVICE_ACCOUNT_USE
from limen.protocol.authorization_request import MAX_CLIENT_ID_CHARACTERS
from limen.protocol.client_authentication import (
    AssertionCredentials,
    Credentials,
    NamedCredentials,
    SecretCredentials,
    failed,
    parse_client_credentials,
)


async def authenticate_client(work: Work, *, parts: Parts, presented: Presented) -> Client:
    """Return the client that proves to be who it says; a public one only says so.

    Takes no statement while the client is cached and presents a secret.

    Raises:
        OAuthRefusal: ``invalid_request``, if the request itself is ambiguous (N055, N059).
        InvalidClient: In the same words for an unknown client, a disabled one (N067) or one
            past its end, another way than the registered one (N057) and a proof that does not
            hold (N064): nothing tells which.
    """
    credentials = parse_client_credentials(presented.authorization, presented.params)
    if len(credentials.client_id) > MAX_CLIENT_ID_CHARACTERS:
        raise failed()
    client = await parts.clients.find_presented(work, credentials.client_id)
    may_act = client is not None and client.is_active and not client.is_over(now=work.now)
    try:
        proven = await _prove(
            work,
            parts,
            client=client if may_act else None,
            credentials=credentials,
            presented=presented,
        )
    except InvalidClient:
        if client is not None:
            event = ClientRefused(client_id=client.client_id)
            work.even_if_refused(partial(Work.record, event=event))
        raise
    if proven.is_service_account:
        work.note_use(SERVICE_ACCOUNT_USE, proven.client_id)
    return proven


async def authenticate_confidential(work: Work, *, parts: Parts, presented: Presented) -> Client:
    """Return the client as ``authenticate_client`` does; public ones are refused.

    For endpoints that tell about tokens: a name that anybody can say opens nothing
    (RFC 7662 section 2.1).
    """
    client = await authenticate_client(work, parts=parts, presented=presented)
    if client.is_public:
        raise InvalidClient(public="This endpoint is for clients that authenticate.")
    return client


async def _prove(
    work: Work,
    parts: Parts,
    *,
    client: Client | None,
    credentials: Credentials,
    presented: Presented,
) -> Client:
    """Return the client if its proof holds and is of the kind it registered."""
    match credentials:
        case SecretCredentials():
            check_secret(client, credentials, now=work.now)
        case AssertionCredentials():
            await check_assertion(
                work, parts=parts, client=client, credentials=credentials, presented=presented
            )
        case NamedCredentials():
            if client is not None and client.auth_method in CERTIFICATE_METHODS:
                await check_certificate(
                    work, parts=parts, client=client, certificate=presented.certificate
                )
            elif client is None or not client.is_public:
                raise failed()
    if client is None:
        raise failed()
    return client
