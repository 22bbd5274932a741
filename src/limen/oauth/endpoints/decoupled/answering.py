"""Who may answer, by page or by JSON: a person, in a session of theirs, through nobody else."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from limen.access.permissions import FULL_SCOPE
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotAuthenticated, NotPermitted
from limen.oauth.authorization.asked import SignedIn
from limen.signin.continue_url import sign_continue
from limen.web.redirects import see_other


def answering(actor: Actor) -> SignedIn:
    """Return who answers over JSON.

    Raises:
        NotPermitted: ``first_party_only``: an application would agree on behalf of its user.
        NotAuthenticated: No session is behind the call.
    """
    if actor.scope is not None and FULL_SCOPE not in actor.scope:
        raise NotPermitted("first_party_only", "An application can't agree on behalf of its user.")
    if actor.kind != "user" or not actor.session_id or actor.authenticated_at is None:
        raise NotAuthenticated(public="Sign in first.")
    return SignedIn(
        user_id=actor.id,
        session_id=actor.session_id,
        authenticated_at=actor.authenticated_at,
        amr=actor.amr,
    )


async def sign_in_first(
    work: Work, *, envelope: Envelope, path: str, again: bool = False
) -> Response:
    """Send the browser to sign in, and back to a page of ours.

    Args:
        work: The tenant.
        envelope: Signs the way back.
        path: Under the tenant's root, with its query.
        again: A session is there and does not do: the form must be shown all the same.
    """
    query = {"continue": await sign_continue(work, envelope=envelope, path=work.site.path + path)}
    if again:
        query["reauth"] = "1"
    return see_other(f"{work.site.path}/sign-in?{urlencode(query)}")
