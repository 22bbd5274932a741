"""Cases C: authorization codes and the token endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from limen.accounts.ending.disable_user import disable_user
from limen.oauth.registry.disable_client import disable_client
from limen.protocol.client_metadata import ClientType
from limen.testing.visitor import Page
from tests.installation import CALLBACK, Installation, Person, basic
from tests.oauth_client import VERIFIER, Flow

OTHER = "https://app.example/other"
ANOTHER_VERIFIER = "x" * 43


@pytest.fixture
def limen(limen_on_both: Installation) -> Installation:
    """Codes are redeemed by one statement: on either engine."""
    return limen_on_both


@pytest.fixture
async def person(limen: Installation) -> Person:
    return await limen.person()


@pytest.fixture
async def flow(limen: Installation) -> Flow:
    return Flow(limen, await limen.client(redirect_uris=(CALLBACK, OTHER)))


def check(answer: Page, error: str, status: int = 400) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.text
    assert "access_token" not in answer.text


async def test_n031_a_valid_replay_ends_what_was_issued(flow: Flow, person: Person) -> None:
    code = await flow.code(person)
    made = (await flow.redeem(code)).json()
    check(await flow.redeem(code), "invalid_grant")
    assert not await flow.is_active(made["access_token"])
    assert (await flow.userinfo(made["access_token"])).status == 401
    check(await flow.refresh(made["refresh_token"]), "invalid_grant")


async def test_n031_a_replay_long_after_is_still_known(flow: Flow, person: Person) -> None:
    code = await flow.code(person)
    made = (await flow.redeem(code)).json()
    flow.limen.clock.advance(minutes=10)
    check(await flow.redeem(code), "invalid_grant")
    assert not await flow.is_active(made["access_token"])


@pytest.mark.parametrize("kind", ["web", "spa"])
async def test_n032_of_twenty_at_once_one_wins_and_nothing_lives_on(
    limen: Installation, person: Person, kind: ClientType
) -> None:
    flow = Flow(limen, await limen.client(kind))
    code = await flow.code(person)
    answers = await asyncio.gather(*(flow.redeem(code) for _ in range(20)))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1, [answer.status for answer in answers]
    for answer in answers:
        if answer is not won[0]:
            check(answer, "invalid_grant")
    made = won[0].json()
    # A loser is a valid replay: whoever won may be the thief (O21 4.1.3).
    assert (await flow.userinfo(made["access_token"])).status == 401
    check(await flow.refresh(made["refresh_token"]), "invalid_grant")


async def test_n033_another_client_can_not_redeem_it(
    limen: Installation, flow: Flow, person: Person
) -> None:
    code = await flow.code(person)
    other, public = await limen.client(), await limen.client("spa")
    check(await Flow(limen, other).redeem(code), "invalid_grant")
    check(await Flow(limen, public).redeem(code), "invalid_grant")
    body = {"client_id": flow.client.id}
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **body,
    }
    answer = await limen.api.fetch("POST", "/oauth2/token", form=form, headers=other.basic)
    assert answer.status in {400, 401}
    assert answer.json()["error"] in {"invalid_request", "invalid_client"}
    assert (await flow.redeem(code)).status == 200


@pytest.mark.parametrize("uri", [OTHER, "", CALLBACK + "/", CALLBACK.upper()])
async def test_n034_the_redirect_uri_is_the_one_of_the_request(
    flow: Flow, person: Person, uri: str
) -> None:
    code = await flow.code(person)
    check(await flow.redeem(code, redirect_uri=uri), "invalid_grant")
    assert (await flow.redeem(code)).status == 200


async def test_n035_an_invalid_replay_ends_nothing(
    limen: Installation, flow: Flow, person: Person
) -> None:
    code = await flow.code(person)
    made = (await flow.redeem(code)).json()
    check(await flow.redeem(code, code_verifier=ANOTHER_VERIFIER), "invalid_grant")
    check(await flow.redeem(code, redirect_uri=OTHER), "invalid_grant")
    other = Flow(limen, await limen.client())
    check(await other.redeem(code), "invalid_grant")
    wrong = basic(flow.client.id, "not the secret")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    answer = await limen.api.fetch("POST", "/oauth2/token", form=form, headers=wrong)
    check(answer, "invalid_client", 401)
    assert await flow.is_active(made["access_token"])
    assert (await flow.refresh(made["refresh_token"])).status == 200


async def test_n028_n035_five_invalid_attempts_burn_the_code(flow: Flow, person: Person) -> None:
    code = await flow.code(person)
    for _ in range(5):
        check(await flow.redeem(code, code_verifier=ANOTHER_VERIFIER), "invalid_grant")
    check(await flow.redeem(code), "invalid_grant")


@pytest.mark.parametrize("seconds", [60, 61, 3600])
async def test_n037_a_code_is_good_for_less_than_a_minute(
    flow: Flow, person: Person, seconds: int
) -> None:
    with flow.limen.clock.held():
        code = await flow.code(person)
        flow.limen.clock.advance(seconds=seconds)
        check(await flow.redeem(code), "invalid_grant")


async def test_n037_a_code_is_good_for_just_less_than_a_minute(flow: Flow, person: Person) -> None:
    with flow.limen.clock.held():
        code = await flow.code(person)
        flow.limen.clock.advance(seconds=59.999)
        assert (await flow.redeem(code)).status == 200


async def _user_disabled(flow: Flow, person: Person) -> None:
    await flow.limen.run(lambda work: disable_user(work, user_id=person.id))


async def _consent_withdrawn(flow: Flow, person: Person) -> None:
    own = (await flow.limen.login(person))["access_token"]
    [consent] = (await person.api("GET", "/api/v1/consents", own)).json()["items"]
    await person.api("DELETE", f"/api/v1/consents/{consent['id']}", own)


async def _signed_out(flow: Flow, person: Person) -> None:
    page = await person.browser.open("/sign-out")
    await person.browser.press(page, "logout-yes")


async def _client_disabled(flow: Flow, person: Person) -> None:
    await flow.limen.run(lambda work: disable_client(work, client_id=flow.client.id))


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (_user_disabled, "invalid_grant"),
        (_consent_withdrawn, "invalid_grant"),
        (_signed_out, "invalid_grant"),
        (_client_disabled, "invalid_client"),
    ],
)
@pytest.mark.parametrize("scope", ["openid", "openid offline_access"])
async def test_n038_what_happened_since_counts(
    flow: Flow,
    person: Person,
    happens: Callable[[Flow, Person], Awaitable[None]],
    *,
    error: str,
    scope: str,
) -> None:
    code = await flow.code(person, scope=scope)
    await happens(flow, person)
    check(await flow.redeem(code), error, 401 if error == "invalid_client" else 400)


@pytest.mark.parametrize(
    "change",
    [
        lambda code: code[:-1],
        lambda code: code + "A",
        lambda code: code + "=",
        lambda code: code.swapcase(),
        lambda code: code.upper(),
        lambda code: " " + code,
        lambda code: code + "\n",
        lambda code: code[: len(code) // 2],
        lambda code: code * 40,
        lambda code: "\0" + code,
        lambda code: "\u0130" + code,
    ],
)
async def test_n040_another_spelling_is_another_code(
    flow: Flow, person: Person, change: Callable[[str], str]
) -> None:
    code = await flow.code(person)
    answer = await flow.redeem(change(code))
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}, answer.text
    assert (await flow.redeem(code)).status == 200


async def test_n041_only_a_posted_form_counts(
    limen: Installation, flow: Flow, person: Person
) -> None:
    code = await flow.code(person)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    query = "&".join(f"{name}={value}" for name, value in form.items())
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = await limen.api.fetch(method, f"/oauth2/token?{query}", headers=flow.client.basic)
        assert answer.status == 405, method
        assert "POST" in answer.headers["allow"]
    answer = await limen.api.fetch("POST", "/oauth2/token", body=form, headers=flow.client.basic)
    check(answer, "invalid_request", 415)
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", ""):
        headers = {**flow.client.basic, "Content-Type": kind}
        answer = await limen.api.fetch("POST", "/oauth2/token", form=form, headers=headers)
        check(answer, "invalid_request", 415)
    bare = f"/oauth2/token?{query}"
    answer = await limen.api.fetch("POST", bare, form={}, headers=flow.client.basic)
    check(answer, "invalid_request")
    assert (await flow.redeem(code)).status == 200


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "client_id", "redirect_uri", "code_verifier"]
)
async def test_n041_n232_what_is_sent_twice_is_refused(
    limen: Installation, person: Person, name: str
) -> None:
    flow = Flow(limen, await limen.client("spa"))
    code = await flow.code(person)
    form = {
        "grant_type": "authorization_code",
        "client_id": flow.client.id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    twice = [*form.items(), (name, form[name])]
    check(await limen.api.fetch("POST", "/oauth2/token", form=twice), "invalid_request")
    assert (await limen.api.fetch("POST", "/oauth2/token", form=form)).status == 200


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "client_id", "redirect_uri", "code_verifier"]
)
@pytest.mark.parametrize("is_empty", [True, False])
async def test_o7_what_is_absent_or_empty_skips_no_check(
    limen: Installation, person: Person, name: str, *, is_empty: bool
) -> None:
    flow = Flow(limen, await limen.client("spa"))
    code = await flow.code(person)
    form = {
        "grant_type": "authorization_code",
        "client_id": flow.client.id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    sent = {**form, name: ""} if is_empty else {k: v for k, v in form.items() if k != name}
    answer = await limen.api.fetch("POST", "/oauth2/token", form=sent)
    assert answer.status in {400, 401}, answer.text
    assert "access_token" not in answer.json()
    assert (await limen.api.fetch("POST", "/oauth2/token", form=form)).status == 200
