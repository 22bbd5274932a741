"""What a tenant may decide for itself; everything else is the operator's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from limen.kernel.errors import InvalidInput
from limen.tenants.policies.api_keys import ApiKeyPolicy
from limen.tenants.policies.approvals import ApprovalsPolicy
from limen.tenants.policies.assurance import AssurancePolicy
from limen.tenants.policies.authorization import AuthorizationPolicy
from limen.tenants.policies.claims import ClaimsPolicy
from limen.tenants.policies.dpop import DpopPolicy
from limen.tenants.policies.groups import overlay
from limen.tenants.policies.kinds import Scope
from limen.tenants.policies.registration import RegistrationPolicy
from limen.tenants.policies.sign_in import SignInPolicy
from limen.tenants.policies.sign_up import SignUp

_MINUTE: Final = 60
_DAY: Final = 24 * 60 * _MINUTE
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _check_origin(value: str) -> str:
    # "null" and wildcards are no origins: a sandboxed frame of anybody sends "null".
    if not _ORIGIN.fullmatch(value):
        raise ValueError("not an origin: scheme, lower-case host and port, nothing after")
    return value


Origin = Annotated[str, AfterValidator(_check_origin)]


class TenantPolicy(BaseModel):
    """A tenant's choices. Members not named here are refused.

    A tenant's row keeps only the members it chose; the others follow the server's settings,
    which ``app.py`` hands to the ``Directory`` as a policy of defaults.

    Attributes:
        sign_up: Who may open an account: anybody, whoever was invited, or nobody.
        require_verified_email: Whether people must verify their address before they sign in.
        pages: Whether the HTML pages answer; off, everything goes over JSON.
        require_pkce: Whether confidential OpenID clients need PKCE; others always do.
        assertion_audience: The default of registered clients for their assertions' ``aud``.
        allowed_origins: Browser origins that may call ``/api/v1``.
        default_scopes: What a client without scopes of its own receives.
        default_resource: Audience of access tokens when none is asked; empty for the issuer.
        session_idle_seconds: A browser session unused for so long is over.
        session_absolute_seconds: A session is over then, however much it is used.
        password_min_length: In code points, for people without a second factor.
        password_min_length_with_mfa: The same for people who have one.
        fresh_minutes: For how long a sign-in counts as recent where it must be.
        profile: What every client of the tenant keeps to, beside what it registered itself.
        authorization: What every authorization request has to be.
        registration: Who may register clients, and what such clients may be.
        assurance: What is asked of whoever signs in, and what ``acr`` values mean.
        dpop: What is asked of DPoP proofs.
        claims: What is added to tokens.
        approvals: How long requests wait that are approved on another screen.
        api_keys: What API keys may be.
        sign_in: Who may sign in with which provider.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sign_up: SignUp = "open"
    require_verified_email: StrictBool = False
    pages: StrictBool = True
    require_pkce: StrictBool = True
    assertion_audience: Literal["issuer", "endpoints"] = "issuer"
    allowed_origins: tuple[Origin, ...] = ()
    default_scopes: tuple[Scope, ...] = ("openid", "profile", "email")
    default_resource: str = ""
    access_token_seconds: int = Field(15 * _MINUTE, ge=_MINUTE, le=60 * _MINUTE)
    refresh_idle_seconds: int = Field(30 * _DAY, ge=_MINUTE, le=400 * _DAY)
    refresh_absolute_seconds: int = Field(180 * _DAY, ge=_MINUTE, le=400 * _DAY)
    session_idle_seconds: int = Field(30 * _DAY, ge=_MINUTE, le=400 * _DAY)
    session_absolute_seconds: int = Field(90 * _DAY, ge=_MINUTE, le=400 * _DAY)
    first_party_refresh_seconds: int = Field(30 * _DAY, ge=_MINUTE, le=400 * _DAY)
    password_min_length: int = Field(15, ge=8, le=64)
    password_min_length_with_mfa: int = Field(8, ge=8, le=64)
    fresh_minutes: int = Field(15, ge=1, le=24 * 60)
    profile: Literal["", "fapi2", "fapi2_message_signing", "mcp"] = ""
    authorization: AuthorizationPolicy = AuthorizationPolicy()
    registration: RegistrationPolicy = RegistrationPolicy()
    assurance: AssurancePolicy = AssurancePolicy()
    dpop: DpopPolicy = DpopPolicy()
    claims: ClaimsPolicy = ClaimsPolicy()
    approvals: ApprovalsPolicy = ApprovalsPolicy()
    api_keys: ApiKeyPolicy = ApiKeyPolicy()
    sign_in: SignInPolicy = SignInPolicy()

    @model_validator(mode="after")
    def _lifetimes_fit(self) -> TenantPolicy:
        if self.session_idle_seconds > self.session_absolute_seconds:
            raise ValueError("session_idle_seconds exceeds session_absolute_seconds")
        if self.refresh_idle_seconds > self.refresh_absolute_seconds:
            raise ValueError("refresh_idle_seconds exceeds refresh_absolute_seconds")
        return self

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> TenantPolicy:
        """Read a policy from JSON members.

        Raises:
            InvalidInput: ``policy_invalid``, naming the first member at fault: unknown, of
                the wrong type or out of bounds.
        """
        try:
            return cls.model_validate(dict(members))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "policy"
            raise InvalidInput("policy_invalid", f"{field}: {first['msg']}.", field=field) from None
        except UnicodeEncodeError:  # a member's name that is no text
            raise InvalidInput("policy_invalid", "A name in it is no text.") from None

    def with_members(self, members: Mapping[str, Any]) -> TenantPolicy:
        """Return this policy with some members replaced, checked as a whole.

        Args:
            members: JSON; of a group of settings those alone that it names.

        Raises:
            InvalidInput: As ``read``.
        """
        return self.read(overlay(type(self), self.as_json(), members))

    def as_json(self) -> dict[str, Any]:
        """Return every member, JSON-ready."""
        return self.model_dump(mode="json")


DEFAULT_POLICY: Final = TenantPolicy()
