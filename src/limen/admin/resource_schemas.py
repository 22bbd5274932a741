"""JSON shapes of resources in the admin API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from limen.oauth.model import Resource, TokenFormat
from limen.protocol.client_metadata import ResourceAlg

_Scope = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Scopes = Annotated[tuple[_Scope, ...], Field(max_length=200)]
_Texts = Annotated[dict[str, str], Field(max_length=200)]
_Seconds = Annotated[int, Field(ge=1, le=86_400)]
_Rules = Annotated[dict[str, Any], Field(max_length=50)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ResourceBody(_Read):
    """An API that tokens are for.

    ``texts`` are what people read of its scopes at consent; ``claims`` adds claims to its
    tokens, each from a fact (``"mail": "user.email"``) or fixed (``"tier": {"value": "gold"}``).
    With ``sender_constrained`` none is issued for it that is not bound to a key.
    ``authorization_details_types`` declares what may be asked for in detail (RFC 9396): each
    type with a description for people and a schema.
    """

    identifier: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    name: str = Field(default="", max_length=100)
    scopes: _Scopes = ()
    texts: _Texts = Field(default_factory=dict)
    default_scopes: _Scopes = ()
    token_format: TokenFormat = "jwt"  # noqa: S105 -- a format
    access_token_seconds: _Seconds | None = None
    signing_alg: ResourceAlg = "ES256"
    claims: _Rules = Field(default_factory=dict)
    sender_constrained: StrictBool = False
    authorization_details_types: _Rules = Field(default_factory=dict)
    is_default: bool = False


class ResourcePatch(_Read):
    """What is to change of a resource; members left out stay as they are.

    ``scopes`` maps each scope to its text and replaces all of them.
    """

    name: str | None = Field(default=None, max_length=100)
    scopes: _Texts | None = None
    default_scopes: _Scopes | None = None
    token_format: TokenFormat | None = None
    access_token_seconds: _Seconds | None = None
    signing_alg: ResourceAlg | None = None
    claims: _Rules | None = None
    sender_constrained: StrictBool | None = None
    authorization_details_types: _Rules | None = None
    active: bool | None = None


class ResourceView(BaseModel):
    """A resource."""

    identifier: str
    name: str
    scopes: dict[str, str]
    default_scopes: tuple[str, ...]
    token_format: TokenFormat
    access_token_seconds: int | None
    signing_alg: ResourceAlg
    claims: dict[str, Any]
    sender_constrained: bool
    authorization_details_types: dict[str, Any]
    active: bool

    @classmethod
    def of(cls, resource: Resource) -> ResourceView:
        """Show a resource."""
        ttl = resource.access_token_ttl
        return cls(
            identifier=resource.identifier,
            name=resource.name,
            scopes=dict(resource.scopes),
            default_scopes=resource.default_scopes,
            token_format=resource.token_format,
            access_token_seconds=None if ttl is None else int(ttl.total_seconds()),
            signing_alg=resource.signing_alg,
            claims=dict(resource.claims),
            sender_constrained=resource.sender_constrained,
            authorization_details_types=dict(resource.authorization_details_types),
            active=resource.is_active,
        )


class ResourcePage(BaseModel):
    """Some resources."""

    resources: list[ResourceView]
    next_cursor: str
