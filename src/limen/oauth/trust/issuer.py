"""What is believed of another issuer; what is not named is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from limen.oauth.trust.chosen import Chosen
from limen.protocol.client_metadata import ClientAlg
from limen.protocol.jwk import InvalidKey, import_key_set
from limen.protocol.jwt_bearer import AssertionProfile

_Name = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=200)]
_Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,256}$")]

SubjectRule = Literal["linked", "identity", "user_id"]
"""How ``sub`` finds a user. Never by e-mail: addresses change hands (N129, N132)."""


class Trust(Chosen):
    """What is believed of an issuer.

    Attributes:
        jwks: Its keys by value; or else
        jwks_uri: where it publishes them.
        algorithms: What it signs with.
        profiles: ``jwt`` for assertions of RFC 7523, ``id-jag`` for identity assertions.
        audience: What its assertions call us: our issuer, or our token endpoint's address.
        max_age_seconds: An assertion is no older, and lives no longer.
        clients: Who may present them; ``*`` for every client that authenticates.
        resources: What tokens may be for; ``*`` for all.
        scopes: The most they may carry; never what at our own API is a person's: see
            ``oauth.resources.scopes_of_the_person``.
        subjects: ``linked``: as an administrator said for each; ``identity``: who signed in
            through this issuer before; ``user_id``: it names our own ids.
    """

    refused_as: ClassVar[str] = "trusted_issuer_invalid"

    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = Field(default=None, max_length=2048)
    algorithms: Annotated[tuple[ClientAlg, ...], Field(min_length=1, max_length=4)] = (
        "ES256",
        "PS256",
        "EdDSA",
    )
    profiles: Annotated[tuple[AssertionProfile, ...], Field(min_length=1, max_length=2)] = ("jwt",)
    audience: Literal["issuer", "token_endpoint"] = "issuer"
    max_age_seconds: int = Field(default=300, ge=10, le=3600)
    clients: _Names = ()
    resources: _Names = ()
    scopes: Annotated[tuple[_Scope, ...], Field(max_length=200)] = ()
    subjects: SubjectRule = "linked"

    @model_validator(mode="after")
    def _has_keys(self) -> Trust:
        if (self.jwks is None) == (self.jwks_uri is None):
            raise ValueError("jwks or jwks_uri, one of them")
        if self.jwks is not None:
            try:
                keys = import_key_set(self.jwks)
            except InvalidKey as error:
                raise ValueError(error.public) from None
            if not len(keys):
                raise ValueError("jwks holds no key that verifies")
        return self

    @property
    def max_age(self) -> dt.timedelta:
        """How old an assertion may be."""
        return dt.timedelta(seconds=self.max_age_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer that a tenant trusts.

    Attributes:
        id: Names it in the API.
        issuer: ``iss``, byte for byte.
    """

    id: str
    issuer: str
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedSubject:
    """Whom an issuer's ``sub`` stands for."""

    subject: str
    user_id: str
