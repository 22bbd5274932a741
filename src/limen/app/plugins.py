"""Python providers: of installed packages by their entry points, and of the host application."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from limen.federation.provider import Provider
from limen.kernel.errors import ConfigurationError

GROUP: Final = "limen.providers"


def provider_plugins(given: Iterable[Provider] = ()) -> tuple[Provider, ...]:
    """Return the host's providers and those that installed packages offer.

    A package names a ``Provider``, or what makes one without arguments, in the entry-point
    group ``limen.providers``.

    Raises:
        ConfigurationError: What a package names can't be loaded or is no provider.
    """
    found = [*given]
    found += [_load(each) for each in entry_points(group=GROUP)]
    return tuple(_checked(each) for each in found)


def _load(point: EntryPoint) -> Provider:
    try:
        loaded = point.load()
        made = loaded if isinstance(loaded, Provider) else loaded()
    except Exception as error:
        text = f"provider plug-in {point.name}: {type(error).__name__} while loading"
        raise ConfigurationError(text) from error
    return _checked(made, named=point.name)


def _checked(made: Any, *, named: str = "") -> Provider:
    if not isinstance(made, Provider):
        raise ConfigurationError(f"{named or type(made).__name__} is no limen Provider")
    return made
