"""A browser that goes from the authorization endpoint through sign-in and consent, and back."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from fastapi import FastAPI

from limen.oauth.endpoints import authorize
from limen.oauth.endpoints.interactive import consent_page, consents, interactions, step_routes
from limen.oauth.parts import Parts
from limen.sessions.session import Session
from tests.unit.oauth.http_kit import CALLBACK, CHALLENGE, Known, Server

STATE = "state-of-the-app"


def extend(app: FastAPI, parts: Parts) -> None:
    """Mount what the token endpoint's own tests do without."""
    for endpoint in (authorize, consent_page):
        app.router.routes.extend(endpoint.routes(parts))
    for api in (interactions, step_routes, consents):
        app.include_router(api.routes(parts))


def request_of(client: Known, **changes: str | None) -> dict[str, str]:
    """A good authorization request; ``None`` leaves a parameter out."""
    given: dict[str, str | None] = {
        "client_id": client.id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": STATE,
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)

    async def send(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> httpx2.Response:
        sent = {"accept": "text/html", **(headers or {})}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.server.http.request(method, url, headers=sent, **kwargs)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def get(self, url: str, **kwargs: Any) -> httpx2.Response:
        return await self.send("GET", url, **kwargs)

    async def ask(self, client: Known, **changes: str | None) -> httpx2.Response:
        return await self.get("/oauth2/authorize?" + urlencode(request_of(client, **changes)))

    async def sign_in(self, user_id: str) -> Session:
        """What the sign-in page would leave behind."""
        session, header = await self.server.session(user_id)
        name, _, value = header["cookie"].partition("=")
        self.cookies[name] = value
        return session

    async def decide(self, page: httpx2.Response, decision: str) -> httpx2.Response:
        """Press a button of the consent page."""
        form = {**hidden(page), "decision": decision}
        return await self.send("POST", "/consent", data=form)


def hidden(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of a page."""
    assert page.status_code == 200, page.text
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in found}


def query(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len({name for name, _ in pairs}) == len(pairs), url
    return dict(pairs)


def way_back(answer: httpx2.Response, page: str = "/sign-in") -> str:
    """The path that the sign-in page would continue to."""
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["location"]).path == page
    signed = query(answer.headers["location"])["continue"].partition(".")[0]
    return base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)).decode()


def answered(answer: httpx2.Response, to: str = CALLBACK) -> dict[str, str]:
    """What a client is told, by a redirect to its own address and nowhere else."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.partition("?")[0] == to
    told = query(location)
    assert told.pop("iss") == "http://localhost:8000"
    return told


def refused_by_page(answer: httpx2.Response) -> str:
    """The code on our own error page; nothing redirects."""
    assert answer.status_code == 400, (answer.status_code, answer.text)
    assert "location" not in answer.headers
    assert 'id="error-page"' in answer.text
    found = re.search(r'id="error-code">([^<]+)<', answer.text)
    assert found is not None
    return found[1]
