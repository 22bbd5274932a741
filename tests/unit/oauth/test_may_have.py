from __future__ import annotations

from typing import Any

import pytest

from limen.accounts.ending.disable_user import disable_user
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.oauth.consent import grant_consent
from limen.oauth.may_have import Decision, Question, may_have
from limen.oauth.registry.disable_client import disable_client
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import Browser

pytestmark = pytest.mark.anyio

API = "https://api.example"


async def ask(journey: Server, client: Known | str, scope: str, **changes: Any) -> Decision:
    question = Question(
        client_id=client if isinstance(client, str) else client.id,
        scope=tuple(scope.split()),
        **{"user_id": None, "resource": None, **changes},
    )
    return await journey.run(lambda work: may_have(work, parts=journey.parts, question=question))


async def agree(
    journey: Server, user_id: str, client: Known, *scope: str, remembered: bool = True
) -> None:
    async def body(work: Work) -> None:
        found = await journey.parts.clients.fresh(work, client.id)
        assert found is not None
        await grant_consent(
            work,
            user_id=user_id,
            client=found,
            resource=work.site.issuer,
            scope=scope,
            remembered=remembered,
        )

    await journey.run(body)


def said(decision: Decision) -> tuple[str, str]:
    return decision.verdict, decision.reason


async def test_what_was_agreed_to_is_permitted_and_the_rest_needs_consent(
    journey: Server,
) -> None:
    client, user_id = await journey.client(), await journey.person()
    assert said(await ask(journey, client, "openid", user_id=user_id)) == (
        "consent_required",
        "no_consent",
    )
    await agree(journey, user_id, client, "openid", "email")
    assert said(await ask(journey, client, "openid email", user_id=user_id)) == (
        "permit",
        "consented",
    )
    mixed = await ask(journey, client, "openid read else", user_id=user_id)
    assert said(mixed) == ("deny", "not_registered")
    assert [(each.scope, each.verdict) for each in mixed.scopes] == [
        ("openid", "permit"),
        ("read", "consent_required"),
        ("else", "deny"),
    ]
    assert all(each.text for each in mixed.scopes)
    assert mixed.resource == journey.site.issuer


async def test_nobody_is_asked_about_a_trusted_client(journey: Server) -> None:
    client, user_id = await journey.client(trusted=True), await journey.person()
    assert said(await ask(journey, client, "openid", user_id=user_id)) == (
        "permit",
        "trusted_client",
    )


async def test_n272_a_client_that_could_be_anybody_is_asked_about_each_time(
    journey: Server,
) -> None:
    client = await journey.client("native", redirect_uris=("http://127.0.0.1/cb",))
    user_id = await journey.person()
    await agree(journey, user_id, client, "openid")
    assert said(await ask(journey, client, "openid", user_id=user_id)) == (
        "consent_required",
        "asked_each_time",
    )


async def test_a_client_for_itself(journey: Server) -> None:
    machine, web = await journey.client("machine"), await journey.client()
    assert said(await ask(journey, machine, "read")) == ("permit", "own_access")
    assert said(await ask(journey, machine, "openid")) == ("deny", "about_a_person")
    assert said(await ask(journey, web, "read")) == ("deny", "grant_not_registered")


async def test_a_yes_that_was_not_for_the_next_time_permits_nothing(journey: Server) -> None:
    client, user_id = await journey.client("spa"), await journey.person()
    await agree(journey, user_id, client, "openid", remembered=False)
    assert said(await ask(journey, client, "openid", user_id=user_id)) == (
        "consent_required",
        "asked_each_time",
    )


async def test_the_resource_counts(journey: Server) -> None:
    await journey.resource(API)
    client, user_id = await journey.client(trusted=True), await journey.person()
    at_api = {"user_id": user_id, "resource": API}
    assert said(await ask(journey, client, "read", **at_api)) == ("permit", "trusted_client")
    assert said(await ask(journey, client, "write", **at_api)) == ("deny", "not_of_resource")
    elsewhere = {"user_id": user_id, "resource": "https://else.example"}
    assert said(await ask(journey, client, "read", **elsewhere)) == ("deny", "resource_unknown")


async def test_scopes_that_are_for_few(journey: Server) -> None:
    user_id = await journey.person()
    client = await journey.client(
        scope=("openid", "offline_access", "limen:full"), grant_types=("authorization_code",)
    )
    assert said(await ask(journey, client, "offline_access", user_id=user_id)) == (
        "deny",
        "refresh_not_registered",
    )
    assert said(await ask(journey, client, "limen:full", user_id=user_id)) == (
        "deny",
        "first_party_only",
    )


async def test_who_is_not_there(journey: Server) -> None:
    client, user_id = await journey.client(), await journey.person()
    assert said(await ask(journey, "nobody", "openid")) == ("deny", "client_unknown")
    assert said(await ask(journey, client, "openid", user_id="nobody")) == (
        "deny",
        "user_unavailable",
    )
    await journey.run(lambda work: disable_user(work, user_id=user_id))
    assert said(await ask(journey, client, "openid", user_id=user_id)) == (
        "deny",
        "user_unavailable",
    )
    await journey.run(lambda work: disable_client(work, client_id=client.id))
    assert said(await ask(journey, client, "openid")) == ("deny", "client_disabled")


async def test_nothing_asked_is_no_question(journey: Server) -> None:
    with pytest.raises(InvalidInput):
        await ask(journey, await journey.client(), "")


async def test_the_decision_is_the_one_of_the_authorization_endpoint(journey: Server) -> None:
    """What is permitted needs nobody; what needs consent leads to the consent page."""
    client, user_id, browser = await journey.client(), await journey.person(), Browser(journey)
    await browser.sign_in(user_id)
    await agree(journey, user_id, client, "openid", "email")
    for scope, page in (("openid email", "code="), ("openid read", "/consent?")):
        decision = await ask(journey, client, scope, user_id=user_id)
        location = (await browser.ask(client, scope=scope)).headers["location"]
        assert (decision.verdict == "permit") == ("code=" in location)
        assert page in location
