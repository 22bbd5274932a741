"""Reading presented tokens: one reader for each type, and whatever has none is refused.

A refresh token is no subject token: it is the family's secret, and only its client's. Identity
assertions alone may be had for it, by that client (``id_jag``).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.kernel.clock import from_timestamp
from limen.kernel.secret import Secret
from limen.oauth.caller import Caller
from limen.oauth.exchange.case import ExchangeDesk
from limen.oauth.exchange.subject import Subject, subject_of_token
from limen.oauth.model import Client
from limen.oauth.subjects import subject_of
from limen.oauth.trust.verify_assertion import AssertionRefused, key_named, verify_assertion
from limen.protocol.jwt import Expected, JwtRefused, verify
from limen.protocol.token_exchange import ACCESS_TOKEN, API_KEY, ID_TOKEN, JWT, REFRESH_TOKEN
from limen.sessions.listing import find_session
from limen.signin.steps.missing import lacks_factor
from limen.tokens.api_keys.find import is_api_key
from limen.tokens.find_grant import goes_on
from limen.tokens.look_up import look_up, look_up_access, look_up_api_key
from limen.tokens.principals import is_enabled

_SECOND: Final = dt.timedelta(seconds=1)
"""``iat`` is cut to seconds; a grant began before its ID token, what came of that after it."""

_ID_TOKEN_ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A token that a client presents, and what it is verified with.

    Args:
        caller: Who presents it, authenticated, with the key it proved.
    """

    raw: Secret[str]
    caller: Caller
    desk: ExchangeDesk

    @property
    def client(self) -> Client:
        """Who presents it."""
        return self.caller.client


SubjectTokenReader = Callable[[Work, Presented], Awaitable[Subject | None]]
"""Returns what a valid token says, ``None`` for any other; it decides nothing else. Of another
issuer's token it may raise ``AssertionRefused``, with what its sender may read."""


async def read_access_token(work: Work, presented: Presented) -> Subject | None:
    """Read an active access token of ours, whoever it was issued to."""
    if is_api_key(presented.raw):
        return None
    token = await look_up_access(work, keyring=presented.desk.keyring, raw=presented.raw)
    return None if token is None else subject_of_token(token)


async def read_api_key(work: Work, presented: Presented) -> Subject | None:
    """Read a good API key: its owner spoke when it was made, and did not sign in for it."""
    token = await look_up_api_key(work, raw=presented.raw)
    if token is None:
        return None
    return dataclasses.replace(subject_of_token(token), vouched_at=token.issued_at)


async def read_id_token(work: Work, presented: Presented) -> Subject | None:
    """Read an ID token that was issued to this very client, while its session goes on.

    And while what the person granted with it does: who takes a consent back, or revokes the
    client's tokens, leaves the ID token in its hands (N048). One without ``sid`` outlived its
    session; nothing could end what it is exchanged for.
    """
    expected = Expected(
        algorithms=_ID_TOKEN_ALGORITHMS,
        typ=("JWT",),
        issuer=work.site.issuer,
        audience=presented.client.client_id,
        required=("sub", "exp", "iat", "auth_time", "sid"),
    )
    try:
        keys = await presented.desk.keyring.verification_keys(work)
        claims = verify(presented.raw.reveal(), keys, expected=expected, now=work.now)
    except JwtRefused:
        return None
    session = await find_session(work, str(claims["sid"]))
    if session is None or not await is_enabled(work, principal_id=session.user_id):
        return None
    if lacks_factor(work, amr=session.amr):
        return None
    if not await goes_on(
        work,
        user_id=session.user_id,
        client_id=presented.client.client_id,
        session_id=session.id,
        begun_before=from_timestamp(claims["iat"]) + _SECOND,
    ):
        return None
    known_as = await subject_of(
        work, envelope=presented.desk.envelope, client=presented.client, user_id=session.user_id
    )
    if known_as != claims["sub"]:
        return None
    return Subject(
        user_id=session.user_id,
        client_id=presented.client.client_id,
        subject=known_as,
        expires_at=min(from_timestamp(claims["exp"]), session.expires_at),
        session_id=session.id,
        auth_time=from_timestamp(claims["auth_time"]),
        acr=str(claims.get("acr", "")),
        amr=tuple(claims.get("amr", ())),
    )


async def read_trusted_jwt(work: Work, presented: Presented) -> Subject | None:
    """Read a JWT of a trusted issuer, about a user of ours; it gives no more than as a grant.

    Raises:
        AssertionRefused: What is wrong with it, for its sender once the signature has held.
    """
    said = await verify_assertion(
        work,
        keys=presented.desk.trusted,
        raw=presented.raw,
        client_id=presented.client.client_id,
    )
    bound_to = key_named(said.claims)
    if said.profile != "jwt":
        raise AssertionRefused("profile", "An identity assertion is a grant: present it as one.")
    act = said.claims.get("act")
    return Subject(
        user_id=said.user_id,
        client_id="",
        subject=str(said.claims["sub"]),
        issuer=said.trusted.issuer,
        expires_at=said.expires_at,
        vouched_at=said.issued_at,
        auth_time=said.authenticated_at,
        acr=said.acr,
        amr=said.amr,
        bound_to=bound_to or "",
        at_most=frozenset(said.trusted.trust.scopes),
        resources=said.trusted.trust.resources,
        act=act if act is None or isinstance(act, dict) else {},
        may_act=said.claims.get("may_act"),
    )


async def read_own_refresh_token(work: Work, presented: Presented) -> Subject | None:
    """Read a refresh token of this very client that could be used now; it stays as it is."""
    token = await look_up(
        work, keyring=presented.desk.keyring, envelope=presented.desk.envelope, raw=presented.raw
    )
    if token is None or token.kind != "refresh" or token.client_id != presented.client.client_id:
        return None
    if token.session_id is not None and await find_session(work, token.session_id) is None:
        return None
    if lacks_factor(work, amr=token.amr):
        return None
    return subject_of_token(token)


SUBJECT_TOKENS: Final[Mapping[str, SubjectTokenReader]] = {
    ACCESS_TOKEN: read_access_token,
    API_KEY: read_api_key,
    ID_TOKEN: read_id_token,
    JWT: read_trusted_jwt,
}
"""What may be exchanged, by its type; and, ID tokens apart, who may act with what."""

IDENTITIES: Final[Mapping[str, SubjectTokenReader]] = {
    ID_TOKEN: read_id_token,
    REFRESH_TOKEN: read_own_refresh_token,
}
"""What identity assertions may be had for."""
