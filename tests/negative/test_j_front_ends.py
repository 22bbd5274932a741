"""Cases I and J at a front end of another origin, and what a tenant's policy lets in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from limen.access.invitations.invite import invite, list_invitations
from limen.access.permissions import Role
from limen.db.work import Work
from limen.kernel.ids import b64url
from limen.testing.visitor import Page
from tests.at_provider import agree, order
from tests.installation import Installation, new_address
from tests.negative.linking_cases import IDENTITIES, Linking
from tests.oauth_client import Flow
from tests.simulated import query_of
from tests.standings import add_tenant

pytestmark = pytest.mark.anyio
FRONT = "https://front.example"
RETURN = f"{FRONT}/back"
VERIFIER = "v" * 64
TICKET = "/api/v1/auth/oauth2/ticket"
PROFILE = "/api/v1/auth/oauth2/profile"


@pytest.fixture
async def social(limen: Installation) -> AsyncIterator[Linking]:
    await limen.set_policy(allowed_origins=[FRONT])
    limen.origins.add(FRONT)
    yield Linking(limen)
    await limen.set_policy(allowed_origins=None, sign_in=None, sign_up=None)


def start_of(**changes: str) -> str:
    challenge = b64url(sha256(VERIFIER.encode()).digest())
    asked = {"return_to": RETURN, "code_challenge": challenge, "state": "s1", **changes}
    return f"/api/v1/auth/oauth2/google/start?{urlencode(asked)}"


async def ticket_for(social: Linking, sub: str) -> str:
    browser = social.limen.browser()
    left = await browser.fetch("GET", start_of())
    assert left.status == 303, left.text[:500]
    back = await browser.fetch("GET", await social.approve(left.headers["location"], account=sub))
    assert back.status == 303, back.text[:500]
    assert back.headers["location"].startswith(f"{RETURN}?ticket=lmt_")
    told = query_of(back.headers["location"])
    assert told["state"] == "s1"
    assert await social.whoami(browser) == {}  # the browser has nothing, its front end has
    return told["ticket"]


async def redeem(limen: Installation, ticket: str, verifier: str = VERIFIER) -> Page:
    body = {"ticket": ticket, "code_verifier": verifier}
    return await limen.api.fetch("POST", TICKET, body=body, headers={"Origin": FRONT})


async def test_a_front_end_signs_somebody_in(social: Linking) -> None:
    email = new_address()
    answer = await redeem(social.limen, await ticket_for(social, await social.account(email)))
    assert answer.status == 200, answer.text
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await social.limen.api.fetch("GET", "/api/v1/auth/me", headers=bearer)).json()
    assert (me["email"], me["amr"]) == (email, ["fed"])


async def test_a_front_end_is_told_what_the_provider_refused(social: Linking) -> None:
    browser = social.limen.browser()
    left = await browser.fetch("GET", start_of())
    back = await browser.fetch(
        "GET", await agree(social.limen, left.headers["location"], deny=True)
    )
    assert back.status == 303, back.text[:500]
    assert back.headers["location"] == f"{RETURN}?error=provider_denied&state=s1"
    # An answer that is no proof of anything, of a provider that stumbles.
    left = await browser.fetch("GET", start_of(return_to=f"{RETURN}?x=1", state=""))
    callback = await agree(social.limen, left.headers["location"])
    await order(social.limen, "google", faults={"exchange": [{"kind": "status"}]})
    back = await browser.fetch("GET", callback)
    assert back.headers["location"] == f"{RETURN}?x=1&error=provider_unavailable"
    assert await social.whoami(browser) == {}


async def test_n115_a_strangers_refusal_sends_nobody_to_a_front_end(social: Linking) -> None:
    browser, another = social.limen.browser(), social.limen.browser()
    left = await browser.fetch("GET", start_of())
    callback = await agree(social.limen, left.headers["location"], deny=True)
    page = await another.fetch("GET", callback)
    assert (page.status, page.headers.get("location")) == (400, None)
    # What was allowed at the start and is no more by now, is not done.
    await social.limen.set_policy(allowed_origins=None)
    page = await browser.fetch("GET", callback)
    assert page.status in {400, 422}
    assert "location" not in page.headers
    # The journey is over: a copy of its callback tells nobody anything.
    await social.limen.set_policy(allowed_origins=[FRONT])
    assert (await browser.fetch("GET", callback)).status == 400


async def test_n125_a_ticket_is_good_once_with_its_verifier_in_its_tenant(social: Linking) -> None:
    there = social.limen.at(await add_tenant(social.limen.application, slug="tickets"))
    ticket = await ticket_for(social, await social.account(new_address()))
    for verifier in ("", "w" * 64, "v" * 63, VERIFIER + "\n"):
        refused = await redeem(social.limen, ticket, verifier)
        assert (refused.status, refused.json()["code"]) == (422, "ticket_invalid")
    assert (await redeem(there, ticket)).status in {403, 422}
    assert (await redeem(social.limen, ticket)).status == 200
    assert (await redeem(social.limen, ticket)).status == 422
    late = await ticket_for(social, await social.account(new_address()))
    social.limen.clock.advance(minutes=2)
    assert (await redeem(social.limen, late)).status == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"return_to": "https://evil.example/back"},
        {"return_to": f"{FRONT}.evil.example/"},
        {"return_to": f"{FRONT}@evil.example/"},
        {"return_to": "javascript:alert(1)"},
        {"return_to": f"{RETURN}#x"},
        {"code_challenge": ""},
        {"code_challenge": "short"},
    ],
    ids=range(7),
)
async def test_nobody_is_sent_where_the_policy_allows_nobody(
    social: Linking, changes: dict[str, str]
) -> None:
    page = await social.limen.browser().fetch("GET", start_of(**changes))
    assert page.status in {400, 422}
    assert "location" not in page.headers


async def test_n129_a_front_end_proves_the_mailbox_too(social: Linking) -> None:
    person = await social.limen.person()
    sub = await social.account(person.email, proven=False)
    asked = await redeem(social.limen, await ticket_for(social, sub))
    assert (asked.status, asked.json()["code"]) == (403, "mailbox_proof_required")
    challenge = asked.json()["challenge"]
    path = "/api/v1/auth/oauth2/proof"
    mailed = await social.limen.api.fetch("POST", f"{path}/mail", body={"challenge": challenge})
    assert mailed.json() == {"status": "accepted"}
    code = await social.code_of(person.email)
    wrong = {"challenge": challenge, "code": "00000000" if code != "00000000" else "1"}
    assert (await social.limen.api.fetch("POST", path, body=wrong)).status == 422
    reply = {"challenge": challenge, "code": code}
    answer = await social.limen.api.fetch("POST", path, body=reply)
    assert answer.status == 200, answer.text
    assert await social.identities_of(person.id) == [sub]
    again = await social.limen.api.fetch("POST", path, body=reply)
    assert (again.status, again.json()["code"]) == (401, "sign_in_over")


async def test_n131_an_application_adds_no_way_in_of_its_makers(social: Linking) -> None:
    limen = social.limen
    api, person = f"{limen.issuer}/api/v1", await limen.person()
    flow = Flow(limen, await limen.client(scope=("openid", "self"), default_resource=api))
    tokens = await flow.tokens(person, scope="openid self", resource=api)
    ticket = await ticket_for(social, await social.account(new_address()))
    body = {"ticket": ticket, "code_verifier": VERIFIER}
    refused = await person.api("POST", IDENTITIES, tokens["access_token"], body)
    assert (refused.status, refused.json()["code"]) == (403, "first_party_only")
    assert await social.identities_of(person.id) == []


async def test_a_front_end_links_for_whoever_is_signed_in_there(social: Linking) -> None:
    person = await social.limen.person()
    sub = await social.account(new_address())
    ticket = await ticket_for(social, sub)
    body = {"ticket": ticket, "code_verifier": VERIFIER}
    token = await social.token(person)
    social.limen.clock.advance(minutes=1)
    answer = await person.api("POST", IDENTITIES, token, body)
    assert answer.json() == {"linked": True, "link_url": None}
    assert await social.identities_of(person.id) == [sub]
    assert (await redeem(social.limen, ticket)).status == 422


async def test_a_policy_names_providers_organisations_and_invitations(social: Linking) -> None:
    sub, outside = await social.account("a@corp.example"), await social.account(new_address())
    rules: dict[str, Any] = {"google": {"domains": ["corp.example"]}}
    await social.limen.set_policy(sign_in={"providers": rules})
    browser = social.limen.browser()
    refused = await social.callback(browser, account=outside)
    assert await social.refused(browser, refused, status=403) == "account_not_allowed"
    # An address is no membership: the same domain, and the provider does not say so.
    unsaid = await social.account("b@corp.example", proven=False)
    refused = await social.callback(browser, account=unsaid)
    assert await social.refused(browser, refused, status=403) == "account_not_allowed"
    assert (await social.sign_in(browser, account=sub)).status == 303
    await social.limen.set_policy(sign_in={"providers": {"google": {"sign_up": "invited"}}})
    stranger = social.limen.browser()
    refused = await social.callback(stranger, account=outside)
    assert await social.refused(stranger, refused, status=403) == "invitation_required"
    invited = await social.limen.person()
    await social.blocked(stranger, await social.account(invited.email))
    await social.limen.set_policy(sign_in={"only": ["github"]})
    start = "/api/v1/auth/oauth2/google/start"
    assert await social.refused(stranger, start, status=403) == "provider_disabled"
    listed = (await stranger.fetch("GET", "/api/v1/auth/oauth2/providers")).json()["items"]
    assert "google" not in [each["id"] for each in listed]


async def test_roles_follow_what_the_provider_says(social: Linking) -> None:
    rule = {"claim": "hd", "value": "staff.example", "role": "auditor"}
    await social.limen.set_policy(sign_in={"providers": {"google": {"roles": [rule]}}})
    sub, browser = await social.account("c@staff.example"), social.limen.browser()
    await social.sign_in(browser, account=sub)
    assert "auditor" in (await social.whoami(browser))["roles"]
    await social.person_at_provider(sub, "c@staff.example", hd="")
    await social.sign_in(browser, account=sub)
    assert "auditor" not in (await social.whoami(browser))["roles"]
    owner = {**rule, "role": "owner"}
    with pytest.raises(Exception, match="policy_invalid"):
        await social.limen.set_policy(sign_in={"providers": {"google": {"roles": [owner]}}})


async def test_n134_nobody_verifies_their_address_by_their_profile(social: Linking) -> None:
    person = await social.limen.person(verified=False)
    token = await social.token(person)
    for body in (
        {"email_verified": True},
        {"email": {"source": "own", "value": "x@y.example"}},
        {"name": {"source": "own", "value": "Ada", "email_verified": True}},
        {"name": {"source": "f" * 32}},
        {"picture": {"source": "own", "value": "https://evil.example/x.png"}},
        {"locale": {"source": "own", "value": "<script>"}},
    ):
        page = await person.api("PUT", PROFILE, token, body)
        assert page.status in {404, 422}, page.text
    me = (await person.api("GET", "/api/v1/auth/me", token)).json()
    assert (me["email"], me["email_verified"]) == (person.email, False)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x.png",
        "file:///etc/passwd",
        "https://[::ffff:10.0.0.1]/x.png",
        "not a url",
    ],
    ids=range(5),
)
async def test_n213_a_picture_is_fetched_from_nowhere_private(social: Linking, url: str) -> None:
    sub, browser = await social.account(new_address()), social.limen.browser()
    await social.order(lies={"id_token": {"picture": url}, "userinfo": {"picture": url}})
    await social.sign_in(browser, account=sub)
    await social.order(lies={})
    await social.limen.settle()
    shown = (await browser.fetch("GET", PROFILE)).json()
    assert shown["used"]["picture"]["value"] is None
    assert shown["profiles"][0]["picture_url"] is None
    assert "169.254" not in (await browser.open("/account")).text


async def test_n153_only_a_vouched_for_address_is_let_in_by_an_invitation(social: Linking) -> None:
    limen = social.limen
    envelope = limen.application.runtime.envelope
    await limen.set_policy(sign_up="invitation")
    for email in ("in@n153.example", "boss@n153.example"):
        role: Role = "admin" if email.startswith("boss") else "member"

        async def ask(work: Work, to: str = email, give: Role = role) -> None:
            await invite(work, envelope=envelope, email=to, role=give)

        await limen.run(ask)
    unsaid = await social.account("in@n153.example", proven=False)
    stranger = await social.account("new@n153.example")
    for account in (unsaid, stranger):
        browser = limen.browser()
        callback = await social.callback(browser, account=account)
        code = await social.refused(browser, callback, status=403)
        assert code == "invitation_required"
    for email, state in (("in@n153.example", "accepted"), ("boss@n153.example", "pending")):
        browser = limen.browser()
        account = await social.account(email)
        assert (await social.sign_in(browser, account=account)).status == 303
        me = (await browser.open("/api/v1/auth/me")).json()
        assert (me["email"], me["roles"]) == (email, ["member"])
        found = await limen.run(lambda work: list_invitations(work, most=100))
        assert [each.state for each in found if each.email == email] == [state]
