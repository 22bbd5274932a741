"""Limen: accounts, an OAuth 2.1 / OpenID Connect server and a token vault in one service.

To embed: ``from limen import Limen, HostUser, Settings, load_settings``. The names are loaded at
first use, so that importing a part of the package does not import all of it.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

_PUBLIC: Final = {
    "HostUser": ("limen.embed", "HostUser"),
    "Limen": ("limen.embed", "Limen"),
    "Settings": ("limen.settings", "Settings"),
    "load_settings": ("limen.settings", "load"),
}

__all__ = ["HostUser", "Limen", "Settings", "load_settings"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(name)
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(module), attribute)
