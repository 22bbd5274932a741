"""Click through a simulated provider's pages, for programs: the tour, and tests."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

_ACTION: Final = re.compile(r'<form method="post" action="([^"]+)">')
_ASKED: Final = re.compile(r'name="asked" value="([^"]+)"')
_ACCOUNT: Final = re.compile(r'id="account-([^"]+)"')
_POST_BACK: Final = re.compile(r'<form id="post-back" method="post" action="([^"]+)">')
_FIELD: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_SCOPE: Final = re.compile(r'name="scope" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Page:
    """What a page fetch gave: its status, where it redirects to, its text."""

    status: int
    location: str
    text: str


Fetch = Callable[[str, str, bytes], Awaitable[Page]]
"""Send one request, following nothing: method, URL, form body."""


async def approve(
    fetch: Fetch,
    authorize_url: str,
    *,
    account: str = "",
    untick: Collection[str] = (),
    deny: bool = False,
) -> str:
    """Open an authorization URL, choose an account, decide; return the callback's URL.

    Where the answer is a form to be posted, its fields stand in the URL's query.

    Args:
        fetch: Sends requests to the simulator.
        authorize_url: As the server under test made it.
        account: A subject at the provider; the first one listed when empty.
        untick: Scopes to leave out.
        deny: Press Cancel.

    Raises:
        RuntimeError: The provider refused to ask.
    """
    page = await fetch("GET", authorize_url, b"")
    for _ in range(3):
        if page.location:
            return page.location
        posted = _POST_BACK.search(page.text)
        if posted:
            fields = _FIELD.findall(page.text)
            return f"{html.unescape(posted[1])}?{urlencode([_unescaped(one) for one in fields])}"
        page = await _submit(fetch, page, account=account, untick=untick, deny=deny)
    raise RuntimeError(f"the provider did not come back: {page.status}")


async def _submit(
    fetch: Fetch, page: Page, *, account: str, untick: Collection[str], deny: bool
) -> Page:
    action = _ACTION.search(page.text)
    asked = _ASKED.search(page.text)
    if action is None or asked is None:
        raise RuntimeError(f"the provider refused: {page.status} {page.text[:500]}")
    fields = [("asked", html.unescape(asked[1]))]
    accounts = _ACCOUNT.findall(page.text)
    if accounts:
        fields.append(("account", account or html.unescape(accounts[0])))
    else:
        scopes = (html.unescape(scope) for scope in _SCOPE.findall(page.text))
        fields += [("scope", scope) for scope in scopes if scope not in untick]
        fields.append(("decision", "deny" if deny else "allow"))
    return await fetch("POST", html.unescape(action[1]), urlencode(fields).encode())


def _unescaped(pair: tuple[str, str]) -> tuple[str, str]:
    return html.unescape(pair[0]), html.unescape(pair[1])
