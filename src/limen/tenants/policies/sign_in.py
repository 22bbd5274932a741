"""Who may sign in with which provider, and what a provider's word is worth here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

_MOST: Final = 100
_HOUR: Final = 3600

ProviderId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Domain = Annotated[
    str,
    StringConstraints(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+$"),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class RoleRule(BaseModel):
    """Gives a role to whoever a provider says something of; it ends when the provider stops.

    ``owner`` is given by people alone: who may change this policy must not become one by it.

    Attributes:
        claim: A top-level member of what the provider says: ``groups`` say.
        value: What it must be, or what must be among its values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: Text
    value: Text
    role: Literal["admin", "auditor"]


class ProviderRules(BaseModel):
    """What holds for one sign-in provider.

    Attributes:
        sign_up: ``open``: a new account for whoever has none, where the tenant's ``sign_up``
            allows one. ``invited``: only for people who were invited by the address that the
            provider vouches for, or have an account: an operator made it with their address,
            and they prove the mailbox.
        domains: Of these Google Workspace domains (``hd``) alone; empty for any.
        tenants: Of these Microsoft Entra tenants (``tid``) alone; empty for any.
        roles: What is mapped to roles, at each sign-in; taken back at synchronisations too.
        keep_access: Ask for a lasting access at sign-in and keep it, sealed, to bring profiles
            up to date while people are away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sign_up: Literal["open", "invited"] = "open"
    domains: tuple[Domain, ...] = Field((), max_length=_MOST)
    tenants: tuple[Text, ...] = Field((), max_length=_MOST)
    roles: tuple[RoleRule, ...] = Field((), max_length=_MOST)
    keep_access: StrictBool = False


class SignInPolicy(BaseModel):
    """Signing in with accounts people have elsewhere.

    Attributes:
        only: The providers offered for signing in; ``None`` for all that are set up. The
            others stay for connecting accounts.
        providers: What holds for each; one that is not named has no further rules.
        pictures: Whether pictures are fetched from providers.
        sync_hours: How often a profile is brought up to date where there are means to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: tuple[ProviderId, ...] | None = Field(None, max_length=_MOST)
    providers: Mapping[ProviderId, ProviderRules] = Field(default_factory=dict, max_length=_MOST)
    pictures: StrictBool = True
    sync_hours: int = Field(24, ge=1, le=30 * 24)

    @property
    def sync_seconds(self) -> int:
        """``sync_hours`` in seconds."""
        return self.sync_hours * _HOUR

    def offers(self, provider: str) -> bool:
        """Whether people may sign in with a provider at all."""
        return self.only is None or provider in self.only

    def rules(self, provider: str) -> ProviderRules:
        """Return what holds for a provider."""
        return self.providers.get(provider, _NO_RULES)


_NO_RULES: Final = ProviderRules()
