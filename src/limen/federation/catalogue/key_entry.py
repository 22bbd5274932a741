"""The schema of a provider that people give credentials for, and that asks nobody's consent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from limen.federation.catalogue.addresses import placeholders
from limen.federation.catalogue.credential_rule import Credentials
from limen.federation.catalogue.entry import Evidence, Value
from limen.federation.catalogue.operation_entry import HttpsUrl
from limen.federation.facts import Api, Feature, Name, Part, Quota, Scope, Title


class KeyEntry(Part):
    """One provider without an authorization endpoint: an entry without ``operations``."""

    id: Name
    title: Title
    values: dict[Name, Value] = Field(default_factory=dict)
    credentials: Credentials
    api: Api = Api()
    quota: Quota | None = None
    scopes: dict[str, Scope] = Field(default_factory=dict)
    features: dict[Name, Feature] = Field(default_factory=dict)
    manage_url: HttpsUrl | Literal[""] = ""
    docs_url: HttpsUrl | Literal[""] = ""
    evidence: tuple[Evidence, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> KeyEntry:
        wanted = [name for url in self.urls() for name in placeholders(url)]
        wanted += [host[1:-1] for host in self.api.hosts if host.startswith("{")]
        for name in wanted:
            if name not in self.values:
                raise ValueError(f"nothing says what {{{name}}} is")
        if self.api.query:
            raise ValueError("api: how a key travels is for its own rule to say")
        for feature in self.features.values():
            if any(scope not in self.scopes for scope in feature.scopes):
                raise ValueError(f"{feature.title}: nothing says what its scopes mean")
        return self

    def urls(self) -> Iterator[str]:
        """Every URL template the entry calls."""
        yield from self.credentials.urls()
