"""Read and validate every entry; find the provider of a connection."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from pydantic import ValidationError

from limen.kernel.errors import ConfigurationError, NotFound
from limen.vault.catalogue.behaviour import CatalogueProvider
from limen.vault.catalogue.configured import ConfiguredProvider
from limen.vault.catalogue.connectable import Connectable
from limen.vault.catalogue.entry import Entry

_MAX_CONFIGURED: Final = 1000


class Catalogue:
    """The providers that accounts can be connected at.

    Args:
        entries: By id.
        simulators: In development, where the simulated providers stand.
    """

    def __init__(self, entries: Mapping[str, Entry], *, simulators: str = "") -> None:
        self._providers = {
            name: CatalogueProvider(entry, base_url=f"{simulators}/{name}" if simulators else "")
            for name, entry in entries.items()
        }
        self._configured: dict[tuple[str, str], ConfiguredProvider] = {}

    def find(self, provider: str, config: Mapping[str, Any]) -> Connectable | None:
        """Return a provider that accounts can be connected at.

        Args:
            provider: Its id.
            config: Of our client there. One that names an issuer of its own is never served
                by the built-in entry: that entry's URLs would receive another's secret, or
                the other way round.
        """
        if not config.get("issuer"):
            return self._providers.get(provider)
        key = (provider, repr(sorted(config.items())))
        found = self._configured.get(key)
        if found is None and config.get("connect_scopes"):
            if len(self._configured) >= _MAX_CONFIGURED:
                self._configured.clear()
            found = self._configured[key] = ConfiguredProvider(provider, config)
        return found

    def get(self, provider: str, config: Mapping[str, Any]) -> Connectable:
        """Return a provider.

        Raises:
            NotFound: ``provider_unknown``: nothing can be connected there.
        """
        found = self.find(provider, config)
        if found is None:
            raise NotFound("provider_unknown", "Accounts can't be connected at this provider.")
        return found


def load(*, simulators: str = "") -> Catalogue:
    """Read the entries that ship with the package.

    Raises:
        ConfigurationError: An entry is not what the schema says; names every problem.
    """
    return Catalogue(load_entries(), simulators=simulators)


def load_entries() -> dict[str, Entry]:
    """Return every shipped entry, validated, by id."""
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for file in sorted(files(__package__).iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            entry = Entry.model_validate(tomllib.loads(file.read_text("utf-8")))
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{file.name}: {error}")
            continue
        if f"{entry.id}.toml" != file.name:
            problems.append(f"{file.name}: its id is {entry.id}")
        entries[entry.id] = entry
    if problems:
        raise ConfigurationError(*problems)
    return entries
