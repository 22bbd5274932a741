"""``/api/v1/oauth/connect-sessions``: made, followed, redeemed by an app or an agent."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from limen.access.permissions import CONNECTIONS_CONNECT
from limen.access.require import require
from limen.kernel.secret import Secret
from limen.vault.connect import WantedConnection
from limen.vault.endpoints.owner import Owner, owner_of
from limen.vault.parts import Parts
from limen.vault.sessions.follow import ShownSession, get_session, redeem_session
from limen.vault.sessions.make import POLL_SECONDS, App, make_session
from limen.web.deps import CurrentWork


class ConnectSessionBody(BaseModel):
    """What to connect, and how to tell of it.

    ``return_to`` is where the browser goes in the end: a page here, or one of the app's at an
    origin that the tenant allows. With ``code_challenge`` (S256) the app gets a one-time code
    there, beside ``session`` and its own ``state``.
    """

    model_config = ConfigDict(extra="forbid")

    provider: str = Field(max_length=40)
    features: list[str] = Field(default=[], max_length=20)
    connection_id: str = Field(default="", max_length=64)
    owner: Owner = "me"
    return_to: str = Field(default="/account", max_length=2048)
    state: str = Field(default="", max_length=500)
    code_challenge: str = Field(default="", max_length=43)


class MadeSessionAnswer(BaseModel):
    """Where to send the person, and how often to ask; both times are in seconds."""

    id: str
    url: str
    expires_in: int
    interval: int


class ConnectSessionModel(BaseModel):
    """How a session stands; ``reason`` says why it was refused."""

    id: str
    provider: str
    state: Literal["pending", "completed", "refused", "expired"]
    connection_id: str | None
    reason: str | None
    expires_in: int
    interval: int

    @classmethod
    def of(cls, shown: ShownSession) -> ConnectSessionModel:
        """Shape a session."""
        return cls(
            id=shown.id,
            provider=shown.provider,
            state=shown.state,
            connection_id=shown.connection_id or None,
            reason=shown.reason or None,
            expires_in=shown.expires_in,
            interval=POLL_SECONDS,
        )


class RedeemBody(BaseModel):
    """The code that the browser brought, and the verifier of the challenge."""

    model_config = ConfigDict(extra="forbid")

    code: SecretStr = Field(max_length=200)
    code_verifier: SecretStr = Field(min_length=43, max_length=128)


def add_connect_sessions(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.post("/connect-sessions", status_code=201, dependencies=[require(CONNECTIONS_CONNECT)])
    async def make(body: ConnectSessionBody, work: CurrentWork) -> MadeSessionAnswer:
        """Make a link at which the person connects an account in their own browser.

        They sign in here, see what is asked, agree at the provider, and confirm on a page that
        names them and the account there; before that nothing is stored for use.
        """
        await owner_of(work, body.owner)
        wanted = WantedConnection(
            provider=body.provider,
            features=tuple(body.features),
            connection_id=body.connection_id,
            return_to=body.return_to,
            for_tenant=body.owner == "tenant",
        )
        app = App(state=body.state, challenge=body.code_challenge)
        made = await make_session(work, parts, wanted=wanted, app=app)
        return MadeSessionAnswer(
            id=made.id, url=made.url, expires_in=made.expires_in, interval=POLL_SECONDS
        )

    @router.get("/connect-sessions/{session_id}", dependencies=[require(CONNECTIONS_CONNECT)])
    async def follow(session_id: str, work: CurrentWork) -> ConnectSessionModel:
        """Tell how a session stands, to whoever asked for it."""
        return ConnectSessionModel.of(await get_session(work, session_id))

    @router.post(
        "/connect-sessions/{session_id}/redeem", dependencies=[require(CONNECTIONS_CONNECT)]
    )
    async def redeem(session_id: str, body: RedeemBody, work: CurrentWork) -> ConnectSessionModel:
        """Redeem the code of the redirect: proof that the browser that ended is the app's."""
        redeemed = await redeem_session(
            work,
            session_id,
            raw_code=Secret(body.code.get_secret_value()),
            raw_verifier=Secret(body.code_verifier.get_secret_value()),
        )
        return ConnectSessionModel.of(redeemed)
