"""Which providers there are to sign in with: built in, and configured by their issuer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.federation.openid import OpenIdProvider
from limen.federation.provider import Provider
from limen.federation.providers.google import ISSUER as GOOGLE_ISSUER
from limen.federation.providers.google import Google

_MAX_CONFIGURED: Final = 1000


class Registry:
    """Finds the provider of a name and a client's configuration.

    Args:
        simulators: In development, where the simulated providers stand, without trailing
            slash; empty means the real ones.
    """

    def __init__(self, *, simulators: str = "") -> None:
        google = f"{simulators}/google" if simulators else GOOGLE_ISSUER
        self._built_in: Mapping[str, Provider] = {"google": Google(issuer=google)}
        self._configured: dict[tuple[str, str], Provider] = {}

    def find(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        """Return a provider that people can sign in with.

        A configured issuer makes a provider of its own: it never borrows the built-in one of
        the same name, so that no configuration sends one provider's client secret to another.

        Args:
            provider: Its id.
            config: Of our client there: ``issuer``, ``title``, ``scopes`` for any OpenID
                provider; empty for a built-in one.
        """
        issuer = config.get("issuer")
        if not issuer:
            return self._built_in.get(provider)
        key = (provider, repr(sorted(config.items())))
        found = self._configured.get(key)
        if found is None:
            if len(self._configured) >= _MAX_CONFIGURED:
                self._configured.clear()
            found = self._configured[key] = OpenIdProvider(
                provider,
                title=str(config.get("title") or provider.capitalize()),
                issuer=str(issuer),
                scopes=tuple(config.get("scopes") or ("openid", "email", "profile")),
            )
        return found
