from __future__ import annotations

from collections.abc import Iterator

import pytest

from limen.testing.visitor import Page, Visitor
from tests.interop.conftest import Installation, Registered
from tests.interop.starlette_rp import RelyingParty, serving

pytestmark = pytest.mark.anyio


def _register(installation: Installation, party: RelyingParty, kind: str) -> Registered:
    registered = installation.client(
        *(kind, "--redirect-uri", f"{party.base_url}/callback"),
        *("--post-logout-redirect-uri", f"{party.base_url}/bye"),
        scope="openid email",
    )
    party.register(
        issuer=installation.issuer,
        client_id=registered.client_id,
        client_secret=registered.client_secret,
    )
    return registered


@pytest.fixture
def party() -> Iterator[RelyingParty]:
    with serving() as party:
        yield party


async def _approve(installation: Installation, party: RelyingParty) -> Page:
    """Sign in and agree; return the callback the browser has not opened yet."""
    async with Visitor(party.base_url) as visitor:
        sent = await visitor.open("/login")
    async with Visitor(installation.issuer) as visitor:
        return await visitor.authorize(sent.url, **installation.person)


@pytest.mark.parametrize("kind", ["web", "native"])
async def test_authlib_signs_people_in_to_starlette_and_out(
    installation: Installation, party: RelyingParty, kind: str
) -> None:
    registered = _register(installation, party, kind)
    async with Visitor(party.base_url, also=[installation.issuer]) as visitor:
        home = await visitor.authorize("/login", **installation.person)
        assert home.url == f"{party.base_url}/"
        (session,) = party.sessions.values()
        held = home.json()
        told = held["claims"]
        assert told["iss"] == installation.issuer
        assert told["aud"] == registered.client_id
        assert told["sub"] == held["userinfo"]["sub"] == installation.subject
        assert told["nonce"]
        assert held["userinfo"]["email"] == "ada@example.org"
        page = await visitor.open("/logout")
        bye = await visitor.press(page, "logout-yes")
        assert bye.url.startswith(f"{party.base_url}/bye?state=")
        assert bye.json() == {"post_logout_redirect_uri": f"{party.base_url}/bye"}
        assert "claims" not in session
        asked = await visitor.open("/login")
        assert asked.has("sign-in-submit")


async def test_authlib_refuses_a_nonce_it_did_not_send(
    installation: Installation, party: RelyingParty
) -> None:
    _register(installation, party, "web")
    async with Visitor(party.base_url) as visitor:
        sent = await visitor.open("/login")
        (session,) = party.sessions.values()
        (begun,) = (each for name, each in session.items() if name.startswith("_state_limen_"))
        begun["data"]["nonce"] = "another"
        async with Visitor(installation.issuer) as person:
            callback = await person.authorize(sent.url, **installation.person)
        refused = await visitor.open(callback.url)
    assert (refused.status, refused.json()) == (400, {"error": "invalid_claim"})
    assert "claims" not in session


async def test_authlib_refuses_the_callback_of_another_browser(
    installation: Installation, party: RelyingParty
) -> None:
    _register(installation, party, "web")
    callback = await _approve(installation, party)
    async with Visitor(party.base_url) as visitor:
        refused = await visitor.open(callback.url)
    assert (refused.status, refused.json()) == (400, {"error": "mismatching_state"})
