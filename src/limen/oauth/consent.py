"""What people agreed to: found, recorded, withdrawn."""

from __future__ import annotations

import dataclasses

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.ids import new_id
from limen.oauth.events import ConsentGranted, ConsentWithdrawn
from limen.oauth.model import Client, Consent
from limen.oauth.store import codes as codes_store
from limen.oauth.store import consents as store
from limen.protocol.redirect_uri import is_loopback, is_private_use, origin_of
from limen.tokens.end_grant import end_grants_of_consent


def is_unproven(client: Client, *, redirect_uri: str) -> bool:
    """Say whether any program on the user's device could be this client (N272).

    A public client at a private-use or loopback address: neither a secret nor a domain name
    shows who it is, so people are asked each time (RFC 8252 section 8.6).
    """
    return client.is_public and (is_loopback(redirect_uri) or is_private_use(redirect_uri))


def is_asked_each_time(client: Client, *, redirect_uri: str) -> bool:
    """Say whether no consent spares the next question: nothing shows that it is for the same.

    Of an unproven client; and of one at several domain names for which nobody vouches that they
    are one client's: who agreed that the answer goes to one did not agree to the next (N272).
    """
    if is_unproven(client, redirect_uri=redirect_uri):
        return True
    if client.verified or client.trusted or client.document_host:
        return False
    elsewhere = {origin_of(uri) for uri in client.redirect_uris if not is_loopback(uri)}
    return len(elsewhere - {None}) > 1


async def consent_for(work: Work, *, user_id: str, client_id: str, resource: str) -> Consent | None:
    """Return what the user lets the client do at a resource."""
    return await store.find_consent(work, user_id=user_id, client_id=client_id, resource=resource)


async def list_consents(work: Work, *, user_id: str) -> list[Consent]:
    """Return all that a user agreed to."""
    return await store.list_consents(work, user_id=user_id)


async def is_remembered(work: Work, *, client_id: str) -> bool:
    """Say whether anybody would not be asked about a client, for they agreed before."""
    return await store.is_remembered(work, client_id)


async def ask_anew_if_moved(work: Work, *, before: Client, after: Client) -> None:
    """Have people asked once more about a client that sends answers where it did not before.

    Where the answer goes is what they were shown, and agreed to. A client that changes itself
    may be somebody else's errand by now (N191); what an operator changes, the operator answers
    for.

    Args:
        work: The transaction of the change.
        before: As it was.
        after: As it is.
    """
    if set(after.redirect_uris) - set(before.redirect_uris):
        await store.ask_anew(work, after.client_id)


async def grant_consent(
    work: Work,
    *,
    user_id: str,
    client: Client,
    resource: str,
    scope: tuple[str, ...],
    remembered: bool,
) -> Consent:
    """Record that a user agrees; what they agreed to before for the same resource stays.

    But what was for that time alone, on a device say, is not remembered because something else
    is: whoever it was given to may not have been this client (N272).
    """
    known = await consent_for(work, user_id=user_id, client_id=client.client_id, resource=resource)
    stays = known is not None and (known.remembered or not remembered)
    before = known.scopes if known is not None and stays else ()
    consent = Consent(
        id=new_id(work.now),
        user_id=user_id,
        client_id=client.client_id,
        resource=resource,
        scopes=tuple(dict.fromkeys((*before, *scope))),
        remembered=remembered,
        granted_at=work.now,
    )
    kept_id = await store.put_consent(work, consent)
    await work.record(
        ConsentGranted(user_id=user_id, client_id=client.client_id, resource=resource, scopes=scope)
    )
    return dataclasses.replace(consent, id=kept_id)


async def withdraw_consent(work: Work, *, user_id: str, consent_id: str) -> None:
    """Take an agreement back: its tokens end, and so does what was not fetched yet (N038, N048).

    Raises:
        NotFound: ``consent_not_found``, also for another user's (N200).
    """
    taken = await store.take_consent(work, user_id=user_id, consent_id=consent_id)
    if taken is None:
        raise NotFound("consent_not_found", "There is no such consent.")
    await codes_store.drop_codes_of_consent(work, user_id=user_id, client_id=taken.client_id)
    await end_grants_of_consent(
        work, user_id=user_id, client_id=taken.client_id, reason="consent_withdrawn"
    )
    await work.record(
        ConsentWithdrawn(user_id=user_id, client_id=taken.client_id, resource=taken.resource)
    )
