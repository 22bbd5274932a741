"""A server process, and what people with a browser do at it."""

from __future__ import annotations

import itertools
import json
import secrets
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from limen.kernel.secret import Secret
from limen.protocol.pkce import s256
from tests.patience import until_now
from tests.servers import PASSWORD, Server

OWNER: Final = "owner@browser.example"
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    email: str
    password: str = PASSWORD


class Stage:
    """A running server, with an owner who sets it up over the admin API."""

    def __init__(self, server: Server) -> None:
        self.url = server.base_url
        server.create_user(OWNER, "--role", "owner")

    @property
    def _token(self) -> str:
        """The owner's, anew each time: one of the beginning of a long run has expired."""
        return str(self.login(Person(OWNER))["access_token"])

    def post(self, path: str, body: object, *, token: str = "") -> Any:
        """Post JSON; return the answer, read."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        sent = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(sent, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def login(self, person: Person) -> Any:
        """Sign in over JSON."""
        body = {"email": person.email, "password": person.password}
        return self.post("/api/v1/auth/login", body)

    def subject(self, person: Person) -> str:
        """Return how clients know somebody."""
        headers = {"Authorization": f"Bearer {self.login(person)['access_token']}"}
        asked = urllib.request.Request(f"{self.url}/api/v1/auth/me", headers=headers)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return str(json.loads(answer.read())["id"])

    def person(self) -> Person:
        """Create an account; its address is not verified."""
        person = Person(new_address())
        body = {"email": person.email, "password": person.password}
        self.post("/api/v1/auth/register", body)
        return person

    def client(self, redirect_uri: str, *, kind: str = "spa", **more: object) -> str:
        """Register a client; return its id."""
        body = {
            "name": "The Notebook",
            "type": kind,
            "redirect_uris": [redirect_uri],
            "scope": "openid profile email offline_access",
            **more,
        }
        return str(self.post("/api/v1/admin/clients", body, token=self._token)["client_id"])

    def register(self, **members: object) -> Any:
        """Register a client of any kind; return what its owner is told."""
        body = {"scope": "openid profile email", **members}
        return self.post("/api/v1/admin/clients", body, token=self._token)

    def let_use_connections(self, client_id: str, mode: str) -> None:
        """Say what a client may do with connections that are shared with it."""
        url = f"{self.url}/api/v1/oauth/release-policies/{client_id}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        sent = urllib.request.Request(url, json.dumps({"mode": mode}).encode(), headers)
        sent.method = "PUT"
        urllib.request.urlopen(sent, timeout=20).close()

    def authorization(self, client_id: str, redirect_uri: str, **more: str) -> str:
        """Return the address a client sends a browser to."""
        query = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "openid profile email",
            "state": secrets.token_urlsafe(6),
            "code_challenge": s256(Secret(VERIFIER)),
            "code_challenge_method": "S256",
            **more,
        }
        return f"{self.url}/oauth2/authorize?{urlencode(query)}"


def new_address() -> str:
    """Return an address nobody has."""
    return f"person{next(_numbers)}-{secrets.token_hex(3)}@browser.example"


def sign_in(page: Page, person: Person) -> None:
    """Fill in and submit the sign-in page one is on."""
    page.fill("[name=email]", person.email)
    page.fill("[name=password]", person.password)
    page.click("#sign-in-submit")


def open_mail(page: Page, person: Person) -> None:
    """Open the newest mail to somebody in the development mailbox, once it is there."""
    links = page.locator("#mails a")

    def has_come() -> bool:
        page.goto("/dev/mail?" + urlencode({"to": person.email}))
        return links.count() > 0

    until_now(has_come, f"no mail came to {person.email}")
    links.first.click()
    expect(page.locator("#mail-text")).to_be_visible()
