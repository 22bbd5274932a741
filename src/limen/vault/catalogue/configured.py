"""Any OpenID provider as one that accounts can be connected at, by configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from limen.federation.openid import OpenIdProvider
from limen.vault.catalogue.connectable import Connectable, Facts
from limen.vault.catalogue.entry import Feature, Lifetime

_IDENTITY_SCOPES: Final = ("openid",)


class ConfiguredProvider(OpenIdProvider, Connectable):
    """An issuer an operator named; nothing is known of its habits, so the strictest are assumed.

    A refresh token counts as consumed by its use, without grace: a lost answer makes the
    connection uncertain instead of trying again.

    Args:
        id: Its name in this tenant.
        config: Of our client there: ``issuer``, ``title``, ``connect_scopes``.
    """

    def __init__(self, id: str, config: Mapping[str, Any]) -> None:  # noqa: A002 -- the word of the interface
        super().__init__(
            id,
            title=str(config.get("title") or id.capitalize()),
            issuer=str(config["issuer"]),
        )
        scopes = tuple(str(scope) for scope in config["connect_scopes"])
        self._facts = Facts(
            lifetime=Lifetime.model_validate({"rotation": "single_use"}),
            features={"account": Feature(title=f"Use your {self.title} account", scopes=scopes)},
            identity_scopes=_IDENTITY_SCOPES,
        )

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self._issuer

    @override
    def is_own_issuer(self, issuer: str) -> bool:
        return issuer == self._issuer

    @property
    @override
    def facts(self) -> Facts:
        return self._facts
