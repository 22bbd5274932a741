"""Somebody who links, proves and unlinks accounts elsewhere; for the cases of I and J."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any, Final

from limen.db.work import Work
from limen.federation.identities import list_identities
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.testing.visitor import Page
from tests.installation import Installation, Person, Watched
from tests.negative.social_cases import Social

_numbers: Final = itertools.count(1)
PROVE: Final = "/sign-in/prove"
IDENTITIES: Final = "/api/v1/auth/oauth2/identities"


@dataclass
class Linking(Social):
    """What a case does with accounts elsewhere."""

    async def account(self, email: str, *, proven: bool = True, **more: Any) -> str:
        """Register somebody at the simulated Google; return their subject."""
        sub = f"linking-{next(_numbers)}"
        domain = email.partition("@")[2] if proven else ""
        await self.person_at_provider(sub, email, email_verified=proven, hd=domain, **more)
        return sub

    async def blocked(self, browser: Watched, sub: str) -> Page:
        """Sign in with an account whose address is somebody's; return the page that says so."""
        page = await self.sign_in(browser, account=sub)
        assert page.status == 303, page.text[:500]
        assert page.headers["location"].startswith(PROVE), page.headers["location"]
        shown = await browser.open(page.headers["location"])
        assert shown.has("prove-why"), shown.text[:800]
        return shown

    async def mail_code(self, browser: Watched, page: Page, email: str) -> str:
        """Have the code mailed; return it."""
        sent = await browser.press(page, "prove-mail")
        assert sent.has("prove-sent"), sent.text[:800]
        return await self.code_of(email)

    async def code_of(self, email: str) -> str:
        """Return the code of the newest mail."""
        text = str((await self.limen.mails(email))[0]["text"])
        return next(line for line in text.splitlines() if line.isdigit() and len(line) == 8)

    async def type_code(self, browser: Watched, code: str) -> Page:
        """Send a code from the page, whether it asks for one or not."""
        page = await browser.open(PROVE)
        fields = dict(page.form_with("prove-mail").fields)
        return await browser.fetch("POST", PROVE, form={**fields, "code": code})

    async def link(self, person: Person, sub: str, provider: str = "google") -> Page:
        """Add an account as a way in, in a signed-in browser."""
        return await person.browser.fetch("GET", await self.link_callback(person, sub, provider))

    async def link_callback(self, person: Person, sub: str, provider: str = "google") -> str:
        """Leave to link and consent; return the callback's URL, not yet opened."""
        page = await person.browser.open(f"/account/link/{provider}")
        form = page.form_with("link-continue")
        left = await person.browser.fetch("POST", form.action, form=form.fields)
        assert left.status == 303, left.text[:500]
        return await self.approve(left.headers["location"], account=sub)

    async def identities_of(self, user_id: str) -> list[str]:
        """The subjects that sign somebody in."""

        async def body(work: Work) -> list[str]:
            return [each.subject for each in await list_identities(work, user_id=user_id)]

        return await self.limen.run(body)

    async def token(self, person: Person) -> str:
        """A person's first-party access token, fresh."""
        return str((await self.limen.login(person))["access_token"])

    async def whoami(self, browser: Watched) -> dict[str, Any]:
        """Who a browser is signed in as."""
        page = await browser.fetch("GET", "/api/v1/auth/me")
        return json.loads(page.text) if page.status == 200 else {}


async def add_microsoft(limen: Installation) -> None:
    """Give the tenant a client at the simulated Microsoft."""
    new = NewUpstreamClient(
        provider="microsoft", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
    )
    envelope = limen.application.runtime.envelope
    await limen.run(lambda work: set_upstream_client(work, envelope, new=new))
