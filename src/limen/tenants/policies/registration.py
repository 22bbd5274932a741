"""Who may register clients with a tenant, and what such clients may be."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from limen.protocol.redirect_uri import PrivateUse, check_private_scheme
from limen.tenants.policies.kinds import HttpsUrl, Scope

_PUBLIC_SCOPES: Final = ("openid", "profile", "email", "address", "phone", "offline_access")

DynamicGrant = Literal[
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:openid:params:grant-type:ciba",
]
PrivateScheme = Annotated[str, AfterValidator(check_private_scheme)]
_WITH_A_PERSON: Final[tuple[DynamicGrant, ...]] = (
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
)
"""The grants that give nothing before a person has agreed."""


class StatementIssuer(BaseModel):
    """Whose software statements are believed.

    Attributes:
        issuer: Their ``iss``.
        jwks: The keys they are signed with, by value.
        jwks_uri: Or where those are; exactly one of the two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1, max_length=2048)
    jwks: dict[str, Any] | None = None
    jwks_uri: HttpsUrl | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> StatementIssuer:
        if (self.jwks is None) == (self.jwks_uri is None):
            raise ValueError("give jwks or jwks_uri, one of them")
        return self


class RegistrationPolicy(BaseModel):
    """Who may register clients, and what such clients may be.

    Attributes:
        mode: ``closed``: operators alone. ``initial_access_token``: whoever was given one.
            ``open``: anybody.
        client_documents: Whether the URL of a client ID metadata document may be a ``client_id``.
        require_pkce: Of registered confidential OpenID clients; all others need it anyway.
        scopes: All that such clients may ask for, and what they get that name none.
        scope_may_grow: Whether who registered for some of ``scopes`` may ask for the others later,
            as clients of MCP do that register for what one call needs; under the profile ``mcp``
            it always may.
        grant_types: Those offered to them; of ``open`` registration the ones that give nothing
            before a person agreed.
        private_use_redirects: Whether private-use schemes are accepted under the profile ``mcp``.
        private_use_schemes: Those without a domain name in them that are accepted all the same, of
            whatever client: ``cursor`` say.
        statement_issuers: Whose software statements are believed.
        require_statement: Whether a registration needs one.
        most_open: How many clients nobody vouched for may have registered at a time.
        most_documents: How many clients of metadata documents there may be at a time.
        unused_days: After so many days a client that nobody vouched for and nobody agreed to
            use is deleted.
        unverified_logos: Whether people are shown the logos of clients that nobody vouched for,
            beside the warning that says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["closed", "initial_access_token", "open"] = "initial_access_token"
    client_documents: StrictBool = True
    require_pkce: StrictBool = True
    scopes: tuple[Scope, ...] = Field(_PUBLIC_SCOPES, max_length=200)
    scope_may_grow: StrictBool = False
    grant_types: tuple[DynamicGrant, ...] = Field(_WITH_A_PERSON, max_length=10)
    private_use_redirects: StrictBool = False
    private_use_schemes: tuple[PrivateScheme, ...] = Field((), max_length=20)
    statement_issuers: tuple[StatementIssuer, ...] = Field((), max_length=20)
    require_statement: StrictBool = False
    most_open: int = Field(10_000, ge=0, le=10_000_000)
    most_documents: int = Field(10_000, ge=0, le=10_000_000)
    unused_days: int = Field(30, ge=1, le=3650)
    unverified_logos: StrictBool = True

    @property
    def private_use(self) -> PrivateUse:
        """Which private-use schemes are accepted."""
        return PrivateUse(
            under_mcp=self.private_use_redirects, schemes=frozenset(self.private_use_schemes)
        )
