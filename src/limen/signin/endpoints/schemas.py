"""JSON shapes of ``/api/v1/auth``."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from limen.kernel.secret import Secret


class Shape(BaseModel):
    """Immutable; members it does not name are ignored, and none reaches an account that way."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Credentials(Shape):
    """Address and password."""

    email: str = Field(max_length=1000, examples=["ada@example.org"])
    password: SecretStr


class Registration(Credentials):
    """A new account; ``claims`` are OpenID Connect standard claims a person says of themselves."""

    name: str | None = Field(default=None, max_length=1000)
    claims: dict[str, Any] = Field(default_factory=dict)


class RefreshBody(Shape):
    """The refresh token of a pair."""

    refresh_token: SecretStr


class LogoutBody(Shape):
    """Names the pair to end by its refresh token, where the access token has expired."""

    refresh_token: SecretStr | None = None


class TokenPairAnswer(Shape):
    """A first-party pair of tokens."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer", "DPoP"] = "Bearer"  # noqa: S105 -- a token's type, no secret
    expires_in: int = Field(description="Seconds until the access token expires")
    expires_at: dt.datetime = Field(description="When that is")


class Accepted(Shape):
    """The same whoever the address belongs to: what there is to say is mailed to it."""

    status: Literal["accepted"] = "accepted"


class Me(Shape):
    """The signed-in person."""

    id: str
    email: str | None
    email_verified: bool
    roles: list[str]
    claims: dict[str, Any]
    session_id: str | None
    authenticated_at: dt.datetime | None
    amr: list[str]
    created_at: dt.datetime


class VerifyEmailBody(Shape):
    """Either the link's ``token``, or ``email`` and the ``code`` mailed to it.

    ``password``: that of one's own sign-up, where somebody else used the address too
    (``password_needed``).
    """

    token: SecretStr | None = None
    email: str | None = Field(default=None, max_length=1000)
    code: SecretStr | None = None
    password: SecretStr | None = None


class VerifiedEmail(Shape):
    """The mailbox is proven."""

    email: str | None
    email_verified: bool


class EmailBody(Shape):
    """An address."""

    email: str = Field(max_length=1000)


class ConfirmEmailBody(Shape):
    """The token of the link that was mailed to the new address."""

    token: SecretStr


class ResetBody(Shape):
    """The link's token and the new password."""

    token: SecretStr
    password: SecretStr


class ChangePasswordBody(Shape):
    """Knowing the current password."""

    current_password: SecretStr
    new_password: SecretStr


class SessionShape(Shape):
    """One of one's sessions."""

    id: str
    kind: Literal["browser", "tokens"]
    current: bool
    user_agent: str
    amr: list[str]
    started_at: dt.datetime
    last_seen_at: dt.datetime
    authenticated_at: dt.datetime
    expires_at: dt.datetime


class Sessions(Shape):
    """One's live sessions, the last used first."""

    items: list[SessionShape]


class Ended(Shape):
    """How many sessions ended."""

    ended: int


def revealed(value: SecretStr) -> Secret[str]:
    """Return the secret as ours, which prints nowhere."""
    return Secret(value.get_secret_value())
