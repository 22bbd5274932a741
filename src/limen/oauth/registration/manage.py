"""Read, replace and delete a registration with its access token (RFC 7592)."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Mapping
from functools import partial
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import BearerRefusal, InvalidInput
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.consent import ask_anew_if_moved
from limen.oauth.events import RegistrationRefused
from limen.oauth.model import Client
from limen.oauth.registration.register import (
    TOKEN_KIND,
    Registrar,
    SelfRegistered,
    read_metadata,
)
from limen.oauth.registration.statement import read_statement
from limen.oauth.registry.client_secrets import open_secret
from limen.oauth.registry.disable_client import delete_client
from limen.oauth.registry.update_client import write_client
from limen.oauth.store import clients
from limen.oauth.store import registrations as store
from limen.oauth.store.registrations import Registration
from limen.tenants.policy_of import policy_of

_NEVER_SENT: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


async def find_own(
    work: Work, *, client_id: str, raw_token: Secret[str] | None
) -> tuple[Client, Registration]:
    """Return the client whose registration access token was presented.

    Raises:
        BearerRefusal: ``invalid_token``, in the same words for a wrong token, another client's,
            and a client that was disabled or is gone (N192).
    """
    registration = None
    if raw_token is not None:
        registration = await store.find_by_token(work, token_hash(raw_token))
    client = None
    if registration is not None and registration.client_id == client_id:
        client = await clients.find_client(work, client_id)
    if client is None or registration is None or not client.is_active:
        event = RegistrationRefused(client_id=client_id[:256], reason="invalid_token")
        work.even_if_refused(partial(Work.record, event=event))
        raise BearerRefusal(
            "invalid_token",
            "The registration access token is not valid.",
            presented=raw_token is not None,
        )
    return client, registration


async def read_registration(
    work: Work, *, client_id: str, raw_token: Secret[str] | None
) -> SelfRegistered:
    """Return what is registered; no secret, which was shown when it was made (N195).

    Raises:
        BearerRefusal: As ``find_own``.
    """
    client, registration = await find_own(work, client_id=client_id, raw_token=raw_token)
    return SelfRegistered(
        client=client,
        raw_token=raw_token or Secret(""),
        software_statement=registration.software_statement,
    )


async def replace_registration(
    work: Work,
    *,
    registrar: Registrar,
    client_id: str,
    members: Mapping[str, object],
    raw_token: Secret[str] | None,
) -> SelfRegistered:
    """Put a whole new registration in the place of the old one (N191).

    Members left out go back to their defaults. The access token changes with it, and whoever
    vouched for an openly registered client did so for what it was before; so did who signed the
    software statement of one that leaves it out now. That it is trusted or first-party is what an
    operator said of what it was: whoever changes it, by whatever leave it registered, asks anew.
    What an operator demands of it, a profile say, stays.

    Args:
        work: Clean.
        registrar: What registration needs.
        client_id: In the address.
        members: The request.
        raw_token: As presented.

    Raises:
        BearerRefusal: As ``find_own``; also if another request replaced it meanwhile.
        InvalidInput: As at registration, or the request names what only the server says.
        OAuthRefusal: As at registration.
    """
    client, registration = await find_own(work, client_id=client_id, raw_token=raw_token)
    await _check_identity(work, client, members, envelope=registrar.envelope)
    statement = await read_statement(
        work, members, policy=policy_of(work).registration, keys=registrar.statements
    )
    vouched = registration.via == "initial_access_token" or (
        statement is not None and statement.vouches_for(members)
    )
    wanted = await read_metadata(
        work, registrar, members, statement=statement, vouched=vouched, held=client.metadata
    )
    raw_access = mint(TOKEN_KIND, work.tenant_id)
    raw_statement = None if statement is None else statement.raw
    if not await store.rotate_token(
        work,
        client_id,
        presented=registration.token_hash or b"",
        new=token_hash(raw_access),
        statement=raw_statement,
    ):
        raise BearerRefusal("invalid_token", "The registration access token is not valid.")
    before = await clients.lock_client(work, client_id)
    if before is None or not before.is_active:
        raise BearerRefusal("invalid_token", "The registration access token is not valid.")
    changed = dataclasses.replace(
        before, metadata=wanted.metadata, default_scope=wanted.default_scope
    )
    if registration.via == "open" or not vouched:
        changed = dataclasses.replace(changed, verified=False, trusted=False, first_party=False)
    elif wanted.metadata != before.metadata:
        changed = dataclasses.replace(changed, trusted=False, first_party=False)
    updated = await write_client(
        work,
        before=before,
        changed=changed,
        members=tuple(sorted(wanted.asked)),
        envelope=registrar.envelope,
    )
    await ask_anew_if_moved(work, before=before, after=updated.client)
    return SelfRegistered(
        client=updated.client,
        raw_token=raw_access,
        raw_secret=updated.raw_secret,
        asked=wanted.asked,
        software_statement=raw_statement,
    )


async def delete_registration(work: Work, *, client_id: str, raw_token: Secret[str] | None) -> None:
    """Delete a client at its own request; all its tokens end.

    Raises:
        BearerRefusal: As ``find_own``.
    """
    await find_own(work, client_id=client_id, raw_token=raw_token)
    await delete_client(work, client_id=client_id)


async def _check_identity(
    work: Work, client: Client, members: Mapping[str, object], *, envelope: Envelope
) -> None:
    """RFC 7592 section 2.2: the client's own id, its current secret, and nothing of ours."""
    for name in _NEVER_SENT:
        if name in members:
            raise _invalid(name, "is not sent; the server says it.")
    if members.get("client_id") != client.client_id:
        raise _invalid("client_id", "must be the client's own.")
    secret = members.get("client_secret")
    if secret is not None and not (
        isinstance(secret, str)
        and await _is_current(work, client, Secret(secret), envelope=envelope)
    ):
        raise _invalid("client_secret", "is not the current one; leave it out.")


async def _is_current(
    work: Work, client: Client, raw_secret: Secret[str], *, envelope: Envelope
) -> bool:
    presented = token_hash(raw_secret)
    for kept in client.secrets:
        if kept.expires_at is not None:
            continue
        known = kept.secret_hash or token_hash(await open_secret(work, envelope, kept))
        if hmac.compare_digest(presented, known):
            return True
    return False


def _invalid(field: str, problem: str) -> InvalidInput:
    return InvalidInput("invalid_client_metadata", f"{field}: {problem}", field=field)
