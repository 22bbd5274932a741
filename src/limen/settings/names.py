"""What each setting is called in the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pydantic import BaseModel

from limen.settings.model import Settings
from limen.settings.sections import ProviderSettings

Place: TypeAlias = tuple[str, ...]
"""Where a setting stands in the model: ``("net", "allow")``."""

PREFIX: Final = "LIMEN_"

_SHORT: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "LIMEN_CA_BUNDLE": ("net", "ca_bundle"),
        "LIMEN_TRUSTED_PROXIES": ("web", "trusted_proxies"),
        "LIMEN_SMTP_URL": ("mail", "smtp_url"),
        "LIMEN_MASTER_KEY": ("keys", "master_key"),
        "LIMEN_MASTER_KEY_FILE": ("keys", "master_key_file"),
        "LIMEN_FAILPOINTS": ("development", "failpoints"),
    }
)
OLDER_KEY: Final = "OAUTH_ENCRYPTION_KEY"
CONFIG: Final = "LIMEN_CONFIG"
"""Names the TOML file; not itself a setting."""


def _walk(model: type[BaseModel], above: Place = ()) -> Iterator[Place]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, (*above, name))
        elif above or name != "providers":
            yield (*above, name)


def _table() -> dict[str, Place]:
    short = set(_SHORT.values())
    table = dict(_SHORT)
    for place in _walk(Settings):
        if place[0] != "providers" and place not in short:
            table[PREFIX + "_".join(place).upper()] = place
    for provider in ProviderSettings.model_fields:
        for part in ("client_id", "client_secret"):
            table[f"{provider}_{part}".upper()] = ("providers", provider, part)
    table["MICROSOFT_TENANT"] = ("providers", "microsoft", "tenant")
    table[OLDER_KEY] = ("keys", "master_key")
    return table


NAMES: Final[Mapping[str, Place]] = MappingProxyType(_table())
"""Every name the environment is read for, and the place of what it sets."""

_BY_PLACE: Final = {place: name for name, place in NAMES.items() if name != OLDER_KEY}


def name_of(place: Place) -> str:
    """Return how to call a setting in a message: its environment name and its TOML path."""
    dotted = ".".join(place)
    return f"{_BY_PLACE[place]} ({dotted})" if place in _BY_PLACE else dotted
