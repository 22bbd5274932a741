"""Google, to sign people in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from limen.federation.openid import OpenIdProvider
from limen.federation.provider import Ask, Endpoints

ISSUER: Final = "https://accounts.google.com"
_BARE_ISSUER: Final = "accounts.google.com"


class Google(OpenIdProvider):
    """Google by discovery, with its two spellings of the issuer.

    Args:
        issuer: Another place that behaves like Google: the simulator.
    """

    def __init__(self, *, issuer: str = ISSUER) -> None:
        super().__init__("google", title="Google", issuer=issuer)

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        # No prompt and no access_type: signing in asks for no consent screen and no
        # refresh token; connecting has an entry of its own in the vault's catalogue.
        params = {"scope": " ".join(ask.scopes)}
        if ask.account_hint:
            params["login_hint"] = ask.account_hint
        return params

    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return issuer == endpoints.issuer or (endpoints.issuer == ISSUER and issuer == _BARE_ISSUER)

    @override
    def believes_email(self, told: Mapping[str, Any]) -> bool:
        # Google verifies addresses of its own domains at issue, others by mail; what it says
        # of a third party's address may be outdated, so it proves only gmail.com and the
        # Workspace domain named by ``hd``.
        email = told.get("email")
        domain = email.rpartition("@")[2].lower() if isinstance(email, str) else ""
        return domain == "gmail.com" or bool(domain and told.get("hd") == domain)
