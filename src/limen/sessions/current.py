"""Who asks: the authenticators for the session cookie and for our own access tokens."""

from __future__ import annotations

from starlette.requests import Request

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import BearerRefusal
from limen.kernel.secret import Secret
from limen.sessions.resume import resume
from limen.tenants import api_audience
from limen.tokens.look_up import ActiveToken
from limen.tokens.sender.admit import admit
from limen.tokens.sender.credentials import read_credentials
from limen.web import cookies
from limen.web.state import Authenticator

COOKIE: str = "session"


async def from_cookie(request: Request, work: Work) -> Actor | None:
    """Recognise a browser by its session cookie; any bad cookie is nobody (N185)."""
    value = cookies.read(request, COOKIE)
    if value is None:
        return None
    session = await resume(work, raw=Secret(value))
    if session is None:
        return None
    return Actor(
        "user",
        id=session.user_id,
        session_id=session.id,
        authenticated_at=session.authenticated_at,
        amr=session.amr,
    )


def bearer(keyring: Keyring) -> Authenticator:
    """Return the authenticator of access tokens, to be asked before the cookie's.

    The token must be ours, live, and for our own API: one issued for another resource opens
    nothing here (RFC 9700 section 2.3). A bad token is refused; it never falls back to a
    cookie that came along.

    Args:
        keyring: Verifies the signature.
    """

    async def from_bearer(request: Request, work: Work) -> Actor | None:
        lines = request.headers.getlist("authorization")
        if not lines:
            return None
        presented = read_credentials(lines)
        if presented is None:
            # Another scheme than those we advertise: never guess what was meant.
            raise BearerRefusal("invalid_request", "Send one Authorization: Bearer header.")
        token = await admit(request, work, keyring=keyring, presented=presented)
        wanted = api_audience(work.site)
        if token.audience != wanted:
            raise BearerRefusal(
                "invalid_token",
                f"The access token is for another API: ask for one with resource={wanted}.",
                scheme=presented.scheme,
            )
        return actor_of(token)

    return from_bearer


def actor_of(token: ActiveToken) -> Actor:
    """Return who acts by an access token: a person through a client, or a client itself."""
    return Actor(
        "client" if token.user_id is None else "user",
        id=token.user_id or token.client_id,
        session_id=token.session_id or "",
        client_id=token.client_id,
        scope=frozenset(token.scope),
        authenticated_at=token.auth_time,
        amr=tuple(token.amr),
    )
