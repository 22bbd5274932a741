"""The JSON shapes of credentials; nothing that holds one is ever answered."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from limen.federation.catalogue.credential_rule import CredentialKind
from limen.vault.credentials.material import Given
from limen.vault.endpoints.owner import Owner

_MAX_CHARS: Final = 8192
_OF_ALL: Final = frozenset({"kind", "features", "owner", "generation"})


class CredentialBody(BaseModel):
    """A credential; which members it has is for its ``kind`` to say.

    ``api_key``: ``key``. ``basic``: ``username``, ``password``. ``client_credentials``:
    ``client_id``, ``client_secret``. ``service_account``: the key file as the provider gives it,
    and ``on_behalf_of`` for whom it speaks, if not for itself.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: CredentialKind
    key: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)
    username: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)
    password: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)
    client_id: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)
    client_secret: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)
    service_account: dict[str, Any] | None = Field(default=None, repr=False)
    on_behalf_of: str | None = Field(default=None, max_length=_MAX_CHARS, repr=False)

    @property
    def given(self) -> Given:
        """What was given, apart from what is wanted with it."""
        members = {name: getattr(self, name) for name in CredentialBody.model_fields}
        return Given(
            kind=self.kind,
            members={name: value for name, value in members.items() if name not in _OF_ALL},
        )


class GiveBody(CredentialBody):
    """A credential for a new connection.

    ``features``: what tokens are wanted for; a key or a password is good for what it is good for.
    """

    features: list[str] = Field(default=[], max_length=20)
    owner: Owner = "me"


class RotateBody(CredentialBody):
    """A credential in the place of the one there is.

    ``generation`` is that of the one to be replaced, for who wants to be sure which that is;
    ``features``: what tokens are wanted for from now on, unless that stays as it was.
    """

    generation: int | None = Field(default=None, ge=1)
    features: list[str] = Field(default=[], max_length=20)
