"""A person with a browser that has no JavaScript, for programs: tests and the tour.

Keeps cookies, follows redirects within the server it visits and stops at anybody else's
address, which is where an authorization ends.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from limen.testing.forms import Form, forms_in

_MOST_HOPS: Final = 15


@dataclass(frozen=True, slots=True)
class Page:
    """What the visitor looks at.

    Args:
        status: HTTP status.
        url: Its address; a foreign address was not fetched and has status 0.
        text: The body.
        headers: Lower-case names.
    """

    status: int
    url: str
    text: str
    headers: dict[str, str]

    @property
    def query(self) -> dict[str, str]:
        """The address's query, or its fragment when it has no query."""
        parts = urlsplit(self.url)
        return dict(parse_qsl(parts.query or parts.fragment))

    def form_with(self, button_id: str) -> Form:
        """Return the form that has the button.

        Raises:
            LookupError: If no form has; the text says what the page was.
        """
        for form in forms_in(self.text):
            if form.button(button_id) is not None:
                return form
        raise LookupError(f"no #{button_id} at {self.url} ({self.status}): {self.text[:1500]}")

    def has(self, element_id: str) -> bool:
        """Say whether an element with that id is on the page."""
        return f'id="{element_id}"' in self.text

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.text)


class Visitor:
    """One person's browser.

    Args:
        base_url: The server visited.
        session: A client session to use; the visitor closes only what it made itself.
        also: Origins of others whose pages are visited too, a provider's say.
    """

    def __init__(
        self,
        base_url: str,
        *,
        session: aiohttp.ClientSession | None = None,
        also: Collection[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._visits = {_origin(self.base_url), *also}
        self._given = session
        self._session = session

    async def __aenter__(self) -> Self:
        if self._session is None:
            jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
            self._session = aiohttp.ClientSession(cookie_jar=jar)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._given is None and self._session is not None:
            await self._session.close()

    def cookies(self) -> dict[str, str]:
        """Return the cookies the browser holds for the server."""
        assert self._session is not None
        held = self._session.cookie_jar.filter_cookies(URL(self.base_url))
        return {name: morsel.value for name, morsel in held.items()}

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        form: list[tuple[str, str]] | dict[str, str] | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Page:
        """Send one request, following nothing.

        Args:
            method: The verb.
            url: Absolute, or a path at the server.
            form: Sent form-encoded.
            body: Sent as JSON; bytes as they are.
            headers: More headers.
        """
        assert self._session is not None
        sent: bytes | None = None
        headers = dict(headers or {})
        if form is not None:
            sent = urlencode(form).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif isinstance(body, bytes):
            sent = body
        elif body is not None:
            sent = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        target = URL(self._absolute(url), encoded=True)
        async with self._session.request(
            method, target, data=sent, headers=headers, allow_redirects=False
        ) as answer:
            text = (await answer.read()).decode("utf-8", "replace")
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Page(answer.status, str(target), text, found)

    async def open(self, url: str, *, headers: dict[str, str] | None = None) -> Page:
        """Open an address and follow redirects until a page, or somebody else's address."""
        page = await self.fetch("GET", url, headers=headers)
        return await self._follow(page)

    async def press(self, page: Page, button_id: str, fields: dict[str, str] | None = None) -> Page:
        """Fill a form and press a button; follow where it leads.

        Args:
            page: The page with the form.
            button_id: The button's id.
            fields: What to type, by field name; it replaces what is prefilled.

        Raises:
            LookupError: If there is no such button, or a field is not on the form.
        """
        form = page.form_with(button_id)
        typed = dict(fields or {})
        missing = [name for name in typed if name not in form.names]
        if missing:
            raise LookupError(f"{missing} not on the form of #{button_id}: {form.names}")
        sent = [(name, value) for name, value in form.fields if name not in typed]
        sent += list(typed.items())
        button = form.button(button_id)
        assert button is not None
        if button.name:
            sent.append((button.name, button.value))
        target = urljoin(page.url, button.action or form.action or page.url)
        headers = {"Origin": _origin(page.url), "Sec-Fetch-Site": _relation(page.url, target)}
        if form.method == "post":
            answer = await self.fetch("POST", target, form=sent, headers=headers)
        else:
            answer = await self.fetch("GET", target.partition("?")[0] + "?" + urlencode(sent))
        return await self._follow(answer)

    async def sign_up(self, email: str, password: str) -> Page:
        """Create an account on the sign-up page."""
        page = await self.open("/sign-up")
        return await self.press(page, "sign-up-submit", {"email": email, "password": password})

    async def sign_in(self, email: str, password: str, *, at: Page | None = None) -> Page:
        """Sign in on the sign-in page, or on the one the visitor was sent to."""
        page = at or await self.open("/sign-in")
        return await self.press(page, "sign-in-submit", {"email": email, "password": password})

    async def authorize(self, url: str, *, email: str = "", password: str = "") -> Page:
        """Open an authorization URL, sign in and consent as asked; return the callback reached.

        Args:
            url: The client's authorization request.
            email: Whom to sign in as, if asked.
            password: Their password.
        """
        page = await self.open(url)
        for _ in range(4):
            if page.has("sign-in-submit"):
                page = await self.sign_in(email, password, at=page)
            elif page.has("consent-allow"):
                page = await self.press(page, "consent-allow")
            else:
                break
        return page

    async def _follow(self, page: Page) -> Page:
        for _ in range(_MOST_HOPS):
            location = page.headers.get("location")
            if location is None or page.status not in {301, 302, 303, 307, 308}:
                return page
            target = urljoin(page.url, location)
            if _origin(target) not in self._visits:
                return Page(0, target, "", {})
            page = await self.fetch("GET", target)
        raise LookupError(f"more than {_MOST_HOPS} redirects, last {page.url}")

    def _absolute(self, url: str) -> str:
        return self.base_url + url if url.startswith("/") else url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _relation(one: str, other: str) -> str:
    return "same-origin" if _origin(one) == _origin(other) else "cross-site"
