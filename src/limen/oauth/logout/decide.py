"""What a logout request may do: end the session at once, ask, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.oauth.authorization.asked import Desk
from limen.oauth.authorization.id_token_hint import IdTokenHint, read_id_token_hint
from limen.oauth.clients import Clients
from limen.oauth.model import Client
from limen.oauth.subjects import subject_of
from limen.protocol.logout_request import LogoutRequest, match_post_logout_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class EndNow:
    """End the session, if there is one, without a question; then go there."""

    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFirst:
    """Ask the person; after a yes go there.

    Attributes:
        client_name: Who wants it, if that is proven.
    """

    location: str | None
    client_name: str


Outcome = EndNow | AskFirst


async def decide_logout(work: Work, *, request: LogoutRequest, who: Actor, desk: Desk) -> Outcome:
    """Say what follows from a logout request.

    Only an ID token of ours, for the very session of this browser, lets the browser leave for
    the client's registered address; only a trusted client spares the question. In every other
    case the person is asked and stays here: else any page could sign people out, or use us as
    a redirector (N187, N188, OIDC RP-Initiated Logout section 6).

    Where nobody is signed in, nothing is asked, for there is nothing to end.
    """
    hint = None
    if request.id_token_hint is not None:
        hint = await read_id_token_hint(work, keyring=desk.keyring, raw=request.id_token_hint)
    client = await _client_of(work, desk.clients, hint=hint, request=request)
    is_here = who.kind == "user" and who.scope is None
    if (
        hint is None
        or client is None
        or (is_here and not await _is_of(work, desk, hint=hint, client=client, who=who))
    ):
        return AskFirst(location=None, client_name="") if is_here else EndNow(location=None)
    location = _location(client, request)
    # An address that is not registered casts doubt on the whole request: ask.
    doubtful = location is None and request.post_logout_redirect_uri is not None
    if is_here and (doubtful or not client.trusted):
        return AskFirst(location=location, client_name=client.name)
    return EndNow(location=location)


async def _client_of(
    work: Work, clients: Clients, *, hint: IdTokenHint | None, request: LogoutRequest
) -> Client | None:
    """Return the active client that a hint was issued to, if the request names no other."""
    if hint is None or request.client_id not in {None, hint.client_id}:
        return None
    client = await clients.find(work, hint.client_id)
    return client if client is not None and not client.is_disabled else None


async def _is_of(work: Work, desk: Desk, *, hint: IdTokenHint, client: Client, who: Actor) -> bool:
    """Say whether a hint is of the browser's session, or at least of its person."""
    if hint.session_id is not None:
        return hint.session_id == who.session_id
    return hint.subject == await subject_of(
        work, envelope=desk.envelope, client=client, user_id=who.id
    )


def _location(client: Client, request: LogoutRequest) -> str | None:
    redirect = match_post_logout_uri(
        request.post_logout_redirect_uri, registered=client.post_logout_redirect_uris
    )
    if redirect is None:
        return None
    return (
        redirect.uri if request.state is None else redirect.with_params([("state", request.state)])
    )
