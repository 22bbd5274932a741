"""What a person does at a simulated provider, and the ways there and back."""

from __future__ import annotations

import itertools
from typing import Any, Final

from limen.simulators.drive import Page as ProviderPage
from limen.simulators.drive import approve
from limen.simulators.state import Account
from limen.testing.visitor import Page
from tests.installation import Installation, Person, Watched

_numbers: Final = itertools.count(1)


async def agree(limen: Installation, authorize_url: str, **choices: Any) -> str:
    """Choose an account and agree, or as chosen; return the callback's URL."""
    if choices.get("deny") and "/google/" in authorize_url:
        # Google asks whom it knows nothing more, and there is nothing to refuse.
        choices.setdefault("account", await new_account(limen))

    async def fetch(method: str, url: str, body: bytes) -> ProviderPage:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        async with limen.plain.request(
            method, url, data=body, headers=form, allow_redirects=False
        ) as answer:
            text = await answer.text()
            return ProviderPage(answer.status, answer.headers.get("Location", ""), text)

    return await approve(fetch, authorize_url, **choices)


async def leave_to_sign_in(browser: Watched, provider: str = "google") -> str:
    """Start signing in with a provider; return its authorization URL."""
    page = await browser.fetch("GET", f"/api/v1/auth/oauth2/{provider}/start")
    assert page.status == 303, page.text
    return page.headers["location"]


async def sign_in_with(
    limen: Installation, browser: Watched, provider: str = "google", **choices: Any
) -> Page:
    """Sign in with a provider; return the page one ends on."""
    url = await leave_to_sign_in(browser, provider)
    return await browser.open(await agree(limen, url, **choices))


async def leave_to_connect(person: Person, provider: str = "google", **asked: Any) -> str:
    """Start connecting an account in a signed-in browser; return the provider's URL."""
    page = await person.browser.open(f"/account/connect/{provider}")
    form = page.form_with("connect-continue")
    sent = [*form.fields, *((name, value) for name, value in asked.items())]
    answer = await person.browser.fetch(
        "POST", f"/account/connect/{provider}", form=sent, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def connect(
    limen: Installation, person: Person, provider: str = "google", **choices: Any
) -> Page:
    """Connect an account; return the page one ends on."""
    url = await leave_to_connect(person, provider)
    return await person.browser.open(await agree(limen, url, **choices))


async def new_account(limen: Installation) -> str:
    """Register somebody at the simulated Google who is nobody else's; return their subject.

    Of one external account there is one grant in a tenant, whoever connects it: a test that
    wants to see a grant end, or counts its refreshes, needs an account of its own.
    """
    number = next(_numbers)
    account = Account(sub=f"own-{number}", email=f"own{number}@example.test", name="Own")
    await order(limen, "google", accounts=[account.model_dump()])
    return account.sub


async def order(limen: Installation, provider: str, **orders: Any) -> dict[str, Any]:
    """Make a simulated provider misbehave, or well again."""
    url = f"{limen.providers_url}/{provider}/_control"
    async with limen.plain.post(url, json=orders) as answer:
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())


async def seen_by(limen: Installation, provider: str) -> dict[str, Any]:
    """What a simulated provider saw so far."""
    async with limen.plain.get(f"{limen.providers_url}/{provider}/_control") as answer:
        return dict(await answer.json())
