"""What a tenant may say differently of a shipped entry: anything but where things are sent."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from limen.federation.catalogue.entry import Entry, ErrorRule
from limen.federation.catalogue.operation_entry import HttpsUrl
from limen.federation.facts import (
    Feature,
    Lifetime,
    Name,
    Part,
    QuotaChange,
    Resource,
    Scope,
    Title,
)


class Override(Part):
    """A tenant's own view of a shipped provider.

    There is no member for a URL, an issuer, an identity rule or an API's hosts: the shipped
    client's secret and everybody's tokens go where the shipped entry says.

    Attributes:
        features: Added to the entry's; one of the same name takes its place.
        scopes: As ``features``.
        resources: Added to the entry's, none of which they may stand in for. Each one's token
            goes to the host that names it.
        quota: What it says takes the shipped figures' place, one by one.
        without_features: Not offered in this tenant.
        errors: Looked at before the entry's.
    """

    title: Title | None = None
    manage_url: HttpsUrl | None = None
    sign_in_scopes: tuple[str, ...] | None = None
    identity_scopes: tuple[str, ...] | None = None
    scopes: dict[str, Scope] = Field(default_factory=dict)
    features: dict[Name, Feature] = Field(default_factory=dict)
    without_features: tuple[Name, ...] = ()
    resources: dict[Name, Resource] = Field(default_factory=dict, max_length=50)
    lifetime: Lifetime | None = None
    quota: QuotaChange | None = None
    errors: tuple[ErrorRule, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _says_something(self) -> Override:
        if not self.model_fields_set:
            raise ValueError("an override says something")
        if any(each.is_default for each in self.resources.values()):
            raise ValueError("resources: the default one is the shipped entry's")
        return self

    def on(self, entry: Entry) -> Entry:
        """Return an entry as this tenant has it.

        Raises:
            ValidationError: The two do not make an entry: a feature without its scopes.
        """
        told: dict[str, Any] = entry.model_dump(by_alias=True)
        for name in ("title", "manage_url", "sign_in_scopes", "identity_scopes"):
            if (value := getattr(self, name)) is not None:
                told[name] = value
        if self.lifetime is not None:
            told["lifetime"] = self.lifetime.model_dump(by_alias=True)
        if self.quota is not None:
            told["quota"] = self.quota.on(told["quota"])
        mine = self.model_dump(by_alias=True)
        told["scopes"] = {**told["scopes"], **mine["scopes"]}
        features = {**told["features"], **mine["features"]}
        told["features"] = {
            name: feature for name, feature in features.items() if name not in self.without_features
        }
        # The shipped ones last: a tenant's never takes the place of one.
        told["resources"] = {**mine["resources"], **told["resources"]}
        told["errors"] = [*mine["errors"], *told["errors"]]
        return Entry.model_validate(told)
