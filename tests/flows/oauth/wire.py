"""What a client sends and reads, in plain HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from limen.kernel.secret import Secret
from limen.protocol.pkce import new_verifier, s256
from limen.testing.visitor import Visitor
from tests.flows.oauth.installation import CALLBACK, PASSWORD, Installation, Known


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Application:
    """One registered client at work against one issuer."""

    limen: Installation
    known: Known
    http: aiohttp.ClientSession

    async def post(self, endpoint: str, **form: str) -> Answer:
        sent = {**self.known.post, **form}
        return await self.send("POST", f"/oauth2/{endpoint}", form=sent)

    async def send(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        url = path if path.startswith("http") else self.limen.issuer + path
        async with self.http.request(
            method, url, data=form, headers=headers, allow_redirects=False
        ) as answer:
            is_json = "json" in answer.headers.get("content-type", "")
            body = await answer.json(content_type=None) if is_json else {}
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, body)

    def request_url(self, raw_verifier: Secret[str], **changes: str) -> str:
        asked = {
            "client_id": self.known.id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email read",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": s256(raw_verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.limen.issuer}/oauth2/authorize?{urlencode(asked)}"

    async def code(
        self, browser: Visitor, email: str, **changes: str
    ) -> tuple[dict[str, str], Secret[str]]:
        """Send somebody through sign-in and consent; return the answer and the verifier."""
        verifier = new_verifier()
        page = await browser.authorize(
            self.request_url(verifier, **changes), email=email, password=PASSWORD
        )
        assert page.url.startswith(CALLBACK), (page.url, page.status, page.text[:2000])
        return page.query, verifier

    async def tokens(self, browser: Visitor, email: str, **changes: str) -> dict[str, Any]:
        answer, verifier = await self.code(browser, email, **changes)
        redeemed = await self.post(
            "token",
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=CALLBACK,
            code_verifier=verifier.reveal(),
        )
        assert redeemed.status == 200, redeemed
        return redeemed.body

    async def userinfo(self, raw: str) -> Answer:
        return await self.send(
            "GET", "/oauth2/userinfo", headers={"Authorization": f"Bearer {raw}"}
        )
