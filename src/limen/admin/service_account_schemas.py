"""What the admin API takes and says about service accounts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.access.permissions import Role
from limen.admin.schemas import Moment, PageQuery
from limen.oauth.model import ClientSecret
from limen.oauth.service_accounts.model import ServiceAccount

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Description = Annotated[str, StringConstraints(max_length=1000)]
_Scope = Annotated[str, StringConstraints(max_length=4096)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApiKeyQuery(PageQuery):
    """Whose keys: a user's or a service account's; everybody's if nobody is named."""

    owner_id: str = Field(default="", max_length=100)


class AccountBody(_Read):
    """A service account to create.

    It begins with a secret, unless it is given public keys (``jwks``). ``roles`` let its tokens
    use the admin API, as far as their scope goes.
    """

    name: _Name
    description: _Description = ""
    scope: _Scope = ""
    default_resource: Annotated[str, StringConstraints(max_length=2048)] | None = None
    expires_at: Moment | None = None
    jwks: dict[str, Any] | None = None
    roles: tuple[Role, ...] = Field(default=(), max_length=10)
    client_id: str | None = Field(default=None, min_length=3, max_length=100)


class AccountPatch(_Read):
    """What is to change; members left out stay, an ``expires_at`` of null is never."""

    name: _Name | None = None
    description: _Description | None = None
    scope: _Scope | None = None
    expires_at: Moment | None = None


class SecretBody(_Read):
    """One more secret; without an end it goes on until it is removed."""

    expires_at: Moment | None = None


class PublicKeyBody(_Read):
    """One more public key, as a JWK with a ``kid``."""

    jwk: dict[str, Any] = Field(max_length=20)


class SecretView(BaseModel):
    """A secret, without the secret itself."""

    id: str
    created_at: dt.datetime
    expires_at: dt.datetime | None

    @classmethod
    def of(cls, secret: ClientSecret) -> SecretView:
        """Show a secret."""
        return cls(id=secret.id, created_at=secret.created_at, expires_at=secret.expires_at)


class NewAccountSecret(SecretView):
    """A secret just made: it is shown this once."""

    client_secret: str


class AccountView(BaseModel):
    """A service account and its credentials; API keys have a list of their own."""

    client_id: str
    name: str
    description: str
    scope: str
    default_resource: str | None
    roles: tuple[Role, ...]
    active: bool
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    secrets: list[SecretView]
    keys: list[dict[str, Any]]

    @classmethod
    def of(cls, account: ServiceAccount, *, roles: tuple[Role, ...]) -> AccountView:
        """Show a service account."""
        client = account.client
        return cls(
            client_id=client.client_id,
            name=client.name,
            description=account.description,
            scope=" ".join(client.scope),
            default_resource=client.default_resource,
            roles=roles,
            active=client.is_active,
            created_at=account.created_at,
            expires_at=client.expires_at,
            last_used_at=account.last_used_at,
            secrets=[SecretView.of(secret) for secret in client.secrets],
            keys=list((client.metadata.jwks or {}).get("keys", [])),
        )


class CreatedAccountView(AccountView):
    """A service account just created; a secret, if it has one, is shown this once."""

    client_secret: str | None = None


class AccountLineView(BaseModel):
    """A service account in a list."""

    client_id: str
    name: str
    description: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None


class AccountPage(BaseModel):
    """Some service accounts."""

    service_accounts: list[AccountLineView]
    next_cursor: str
