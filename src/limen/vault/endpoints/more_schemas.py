"""The JSON shapes of features and of sharing."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from limen.federation.provider import Provider
from limen.vault.features.show import ShownFeature
from limen.vault.model import ReleaseMode
from limen.vault.sharing.policy import Mode
from limen.vault.store.sharing import ConnectionConsent


class ScopeModel(BaseModel):
    """A provider's scope, in a person's words where the catalogue has them."""

    scope: str
    title: str
    kind: str


class ShownFeatureModel(BaseModel):
    """A feature over a connection."""

    name: str
    title: str
    state: Literal["active", "missing", "denied", "needs_admin"]
    scopes: list[ScopeModel]
    missing_scopes: list[str]
    ask_again_at: dt.datetime | None

    @classmethod
    def of(cls, shown: ShownFeature, provider: Provider) -> ShownFeatureModel:
        """Shape a feature."""
        known = provider.facts.scopes
        scopes = [
            ScopeModel(
                scope=scope,
                title=known[scope].title if scope in known else scope,
                kind=known[scope].kind if scope in known else "normal",
            )
            for scope in shown.feature.scopes
        ]
        return cls(
            name=shown.name,
            title=shown.feature.title,
            state=shown.standing.state,
            scopes=scopes,
            missing_scopes=list(shown.standing.missing_scopes),
            ask_again_at=shown.standing.ask_again_at,
        )


class FeaturesAnswer(BaseModel):
    """All features of a connection."""

    items: list[ShownFeatureModel]


class ActivateBody(BaseModel):
    """How to switch a feature on.

    ``as_administrator``: the person can agree to what only an administrator of the account can.
    """

    model_config = ConfigDict(extra="forbid")

    return_to: str = Field(default="/account", max_length=2048)
    as_administrator: bool = False


class ActivateAnswer(BaseModel):
    """``active`` already, or where the person is to be asked."""

    state: Literal["active", "asking"]
    authorization_url: str | None = None
    link_url: str | None = None
    expires_in: int | None = None


class DeclareBody(BaseModel):
    """A feature of the tenant's own."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=200)
    scopes: list[str] = Field(max_length=50)


class ShareBody(BaseModel):
    """What the owner agrees to.

    ``mode``: ``raw``: the client may be given tokens, which covers the proxy; ``proxy``: it has
    them used for it. An administrator must let it do as much.
    """

    model_config = ConfigDict(extra="forbid")

    connection_id: str = Field(max_length=64)
    client_id: str = Field(max_length=2048)
    features: list[str] = Field(max_length=50)
    mode: ReleaseMode = "proxy"


class SharedModel(BaseModel):
    """What the owner agreed to; ``scopes`` are what the features needed then."""

    connection_id: str
    client_id: str
    features: list[str]
    scopes: list[str]
    mode: ReleaseMode
    given_at: dt.datetime

    @classmethod
    def of(cls, consent: ConnectionConsent) -> SharedModel:
        """Shape a consent."""
        return cls(
            connection_id=consent.connection_id,
            client_id=consent.client_id,
            features=list(consent.features),
            scopes=list(consent.scopes),
            mode=consent.mode,
            given_at=consent.given_at,
        )


class SharedAnswer(BaseModel):
    """All that an owner agreed to; ``next_cursor`` is empty: they fit one page."""

    items: list[SharedModel]
    next_cursor: str = ""


class PolicyModel(BaseModel):
    """What a client may do with connections that are shared with it."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode
