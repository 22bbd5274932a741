"""What the admin API takes and says of dynamic registration, as JSON."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from limen.oauth.model import InitialToken


class InitialTokenBody(BaseModel):
    """Leave to register clients: how many, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", max_length=100)
    uses: int = Field(default=1, ge=1, le=100_000)
    valid_seconds: int = Field(default=7 * 86_400, ge=60, le=366 * 86_400)


class InitialTokenView(BaseModel):
    """An initial access token without its value."""

    id: str
    name: str
    uses_left: int
    created_at: dt.datetime
    expires_at: dt.datetime

    @classmethod
    def of(cls, token: InitialToken) -> InitialTokenView:
        """Show a token."""
        return cls(**{name: getattr(token, name) for name in cls.model_fields})


class NewInitialToken(InitialTokenView):
    """An initial access token just made; its value is shown this once."""

    token: str


class InitialTokenPage(BaseModel):
    """Some initial access tokens."""

    tokens: list[InitialTokenView]
    next_cursor: str
