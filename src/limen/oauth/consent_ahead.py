"""Consent given before anybody asks: by the person, or by an administrator for a trusted client."""

from __future__ import annotations

from limen.access.permissions import CONSENTS_WRITE, FULL_SCOPE, scope_allows
from limen.access.rights import may
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted
from limen.oauth.consent import grant_consent, is_asked_each_time
from limen.oauth.model import Client, Consent
from limen.oauth.parts import Parts
from limen.oauth.resources import allowed_scope


async def consent_ahead(
    work: Work,
    *,
    parts: Parts,
    user_id: str,
    client_id: str,
    scope: tuple[str, ...],
    resource: str | None,
) -> tuple[Consent, Client]:
    """Record that a user lets a client have scopes at a resource, with no request under way.

    Args:
        work: Its actor is the user, or an administrator.
        parts: Clients and resources are read from here.
        user_id: Whose consent it is.
        client_id: Who will not have to ask.
        scope: What; all of it must be within the client's reach.
        resource: Where, in canonical form; ``None`` for the client's default.

    Raises:
        NotPermitted: ``first_party_only``: an application would agree on behalf of its user;
            ``client_not_trusted``: an administrator may speak for users to trusted clients alone.
        NotFound: ``client_not_found``, ``user_not_found``.
        OAuthRefusal: ``invalid_target``.
        InvalidInput: ``scope_not_available``.
    """
    client = await parts.clients.fresh(work, client_id)
    if client is None or not client.is_active:
        raise NotFound("client_not_found", "There is no such client.")
    await _check_speaker(work, user_id=user_id, client=client)
    where = await parts.resources.resolve(work, client=client, requested=resource)
    missing = sorted(set(scope) - allowed_scope(client, where))
    if missing or not scope:
        raise InvalidInput(
            "scope_not_available",
            f"The client can't have these scopes here: {' '.join(missing) or 'none was named'}.",
            field="scope",
        )
    consent = await grant_consent(
        work,
        user_id=user_id,
        client=client,
        resource=where.identifier,
        scope=scope,
        remembered=not any(
            is_asked_each_time(client, redirect_uri=uri) for uri in client.redirect_uris
        ),
    )
    return consent, client


async def _check_speaker(work: Work, *, user_id: str, client: Client) -> None:
    actor = work.actor
    if actor.kind == "user" and actor.id == user_id:
        # Else a client with a token for our API could agree to its own next request.
        if actor.scope is not None and FULL_SCOPE not in actor.scope:
            raise NotPermitted(
                "first_party_only", "An application can't agree on behalf of its user."
            )
        return
    if not await may(work, actor, CONSENTS_WRITE) or not scope_allows(actor.scope, CONSENTS_WRITE):
        raise NotPermitted(public="You are not allowed to do this.")
    await get_user(work, user_id)
    if not client.trusted:
        raise NotPermitted(
            "client_not_trusted", "Only the users themselves can agree to a client not trusted."
        )
