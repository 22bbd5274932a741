"""What an OAuth client does: ask, come back, exchange, refresh, introspect, revoke."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from limen.kernel.secret import Secret
from limen.protocol.pkce import s256
from limen.testing.visitor import Page
from tests.installation import Installation, Known, Person

VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE: Final = s256(Secret(VERIFIER))


@dataclass(slots=True)
class Flow:
    """A client at an issuer.

    Args:
        client: Who it is.
    """

    limen: Installation
    client: Known

    def asking(self, **changes: str) -> dict[str, str]:
        """Return a valid authorization request's parameters; an empty change drops one."""
        params = {
            "client_id": self.client.id,
            "response_type": "code",
            "redirect_uri": self.client.redirect_uri,
            "scope": "openid email offline_access",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in params.items() if value}

    def url(self, **changes: str) -> str:
        """Return an authorization URL."""
        return f"{self.limen.issuer}/oauth2/authorize?{urlencode(self.asking(**changes))}"

    async def authorize(self, person: Person, **changes: str) -> Page:
        """Let somebody sign in and agree as asked; return where their browser ends."""
        return await person.browser.authorize(
            self.url(**changes), email=person.email, password=person.password
        )

    async def code(self, person: Person, **changes: str) -> str:
        """Obtain a code."""
        page = await self.authorize(person, **changes)
        assert page.status == 0, (page.status, page.url, page.text[:800])
        assert "code" in page.query, page.url
        return page.query["code"]

    async def redeem(self, code: str, **changes: str) -> Page:
        """Exchange a code; an empty change drops a parameter."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in form.items() if value}
        return await self.limen.post("/oauth2/token", self.client, **sent)

    async def tokens(self, person: Person, **changes: str) -> dict[str, Any]:
        """Go the whole way; return the token response."""
        answer = await self.redeem(await self.code(person, **changes))
        assert answer.status == 200, answer.text
        return dict(answer.json())

    async def refresh(self, raw: str, **changes: str) -> Page:
        """Use a refresh token."""
        return await self.limen.post(
            "/oauth2/token", self.client, grant_type="refresh_token", refresh_token=raw, **changes
        )

    async def introspect(self, raw: str, *, by: Known | None = None) -> dict[str, Any]:
        """Ask about a token."""
        answer = await self.limen.post("/oauth2/introspect", by or self.client, token=raw)
        assert answer.status == 200, answer.text
        return dict(answer.json())

    async def is_active(self, raw: str, *, by: Known | None = None) -> bool:
        """Say whether a token is good."""
        return bool((await self.introspect(raw, by=by))["active"])

    async def revoke(self, raw: str, **changes: str) -> Page:
        """Revoke a token."""
        return await self.limen.post("/oauth2/revoke", self.client, token=raw, **changes)

    async def userinfo(self, raw: str) -> Page:
        """Fetch the claims that a token opens."""
        headers = {"Authorization": f"Bearer {raw}"}
        return await self.limen.api.fetch("GET", "/oauth2/userinfo", headers=headers)


def claims_in(raw: str) -> dict[str, Any]:
    """Return a JWT's claims, unverified."""
    part = raw.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
