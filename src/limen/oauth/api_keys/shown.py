"""API keys as JSON: what is asked for, and what is told of them."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from limen.oauth.api_keys.wanted import WantedKey
from limen.tokens.api_keys.model import ApiKey, MadeKey

_DAYS = 3650


class ApiKeyBody(BaseModel):
    """A key to be made; it is its maker's, or the service account's in the path.

    ``resource`` is the API it opens, ours if left out; ``days`` how long it lives.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=100)
    scope: str = Field(min_length=1, max_length=4096)
    resource: str | None = Field(default=None, min_length=1, max_length=2048)
    days: int | None = Field(default=None, ge=1, le=_DAYS)

    def wanted(self) -> WantedKey:
        """Return what is asked for."""
        return WantedKey(
            name=self.name,
            scope=tuple(self.scope.split()),
            resource=self.resource,
            ttl=None if self.days is None else dt.timedelta(days=self.days),
        )


class Overlap(BaseModel):
    """How long the present key goes on beside the new one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_hours: int = Field(default=0, ge=0, le=24 * 30)


class ApiKeyView(BaseModel):
    """A key, without the key itself.

    ``last_used_at`` is about right; ``previous_until`` says until when the key before the last
    rotation is good as well.
    """

    id: str
    name: str
    owner_id: str
    owner: str
    scope: str
    resource: str
    created_at: dt.datetime
    issued_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    previous_until: dt.datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> ApiKeyView:
        """Show a key."""
        return cls(
            id=key.id,
            name=key.name,
            owner_id=key.principal_id,
            owner="user" if key.kind == "user" else "service_account",
            scope=" ".join(key.scope),
            resource=key.audience,
            created_at=key.created_at,
            issued_at=key.issued_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            previous_until=key.previous_until,
        )


class NewApiKey(ApiKeyView):
    """A key just made, or made anew: it is shown this once."""

    api_key: str

    @classmethod
    def made(cls, made: MadeKey) -> NewApiKey:
        """Show it."""
        view = ApiKeyView.of(made.key).model_dump()
        return cls(**view, api_key=made.raw_key.reveal())


class ApiKeyPage(BaseModel):
    """Some keys, oldest first."""

    api_keys: list[ApiKeyView]
    next_cursor: str
