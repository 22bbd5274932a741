import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.codes import find_code
from limen.oauth.consent import consent_for, list_consents, withdraw_consent
from limen.oauth.registration.initial_tokens import create_initial_token
from limen.tenants.policy import TenantPolicy
from tests.unit.oauth.http_kit import CALLBACK, Known, Server, serve, under
from tests.unit.oauth.journey_kit import Browser, answered, extend

pytestmark = pytest.mark.anyio


async def agree(journey: Server, browser: Browser, client: Known, scope: str = "openid") -> str:
    page = await browser.get((await browser.ask(client, scope=scope)).headers["location"])
    return answered(await browser.decide(page, "allow"))["code"]


async def test_what_was_agreed_to_grows(journey: Server) -> None:
    client, user_id, browser = await journey.client(), await journey.person(), Browser(journey)
    await browser.sign_in(user_id)
    await agree(journey, browser, client, "openid email")
    await agree(journey, browser, client, "openid read")
    found = await journey.run(
        lambda work: consent_for(
            work, user_id=user_id, client_id=client.id, resource=journey.site.issuer
        )
    )
    assert found is not None
    assert found.scopes == ("openid", "email", "read")
    assert found.remembered


async def test_n272_what_was_for_that_time_alone_is_not_remembered_with_the_next(
    journey: Server,
) -> None:
    # Any program on the device could have asked for it; another consent does not make it good.
    client = await journey.client("spa", redirect_uris=(CALLBACK, "http://127.0.0.1/cb"))
    browser, wide = Browser(journey), "openid email read write"
    await browser.sign_in(await journey.person())
    local = await browser.ask(client, scope=wide, redirect_uri="http://127.0.0.1:4000/cb")
    page = await browser.get(local.headers["location"])
    assert (await browser.decide(page, "allow")).status_code == 303
    await agree(journey, browser, client, "openid")
    assert "code" in answered(await browser.ask(client, scope="openid", prompt="none"))
    silent = answered(await browser.ask(client, scope=wide, prompt="none"))
    assert silent["error"] == "consent_required"


@pytest.mark.parametrize("moved", [True, False])
async def test_n191_a_client_that_moves_elsewhere_is_asked_about_anew(
    journey: Server, *, moved: bool
) -> None:
    # The consent page said where the answer goes; whoever registered the client may change that.
    initial = await journey.run(create_initial_token)
    members = {"redirect_uris": [CALLBACK], "scope": "openid email"}
    bearer = {"authorization": f"Bearer {initial.raw_token.reveal()}"}
    made = (await journey.http.post("/oauth2/register", json=members, headers=bearer)).json()
    client, browser = Known(made["client_id"], made["client_secret"]), Browser(journey)
    await browser.sign_in(await journey.person())
    await agree(journey, browser, client, "openid email")
    elsewhere = "https://evil.example/cb"
    members |= {"client_id": client.id, "client_name": "App"}
    members["redirect_uris"] = [CALLBACK, elsewhere] if moved else [CALLBACK]
    bearer = {"authorization": f"Bearer {made['registration_access_token']}"}
    changed = await journey.http.put(made["registration_client_uri"], json=members, headers=bearer)
    assert changed.status_code == 200, changed.text
    to = elsewhere if moved else CALLBACK
    told = answered(await browser.ask(client, prompt="none", redirect_uri=to), to)
    assert ("code" in told, told.get("error")) == (
        (False, "consent_required") if moved else (True, None)
    )


@pytest.mark.parametrize("vouched", [True, False])
async def test_n272_where_nobody_vouches_one_destination_does_not_stand_for_another(
    works: Works, site: Site, *, vouched: bool
) -> None:
    policy = TenantPolicy.model_validate({"registration": {"mode": "open"}})
    server = await serve(works, under(site, policy), extend=extend)
    bearer = {}
    if vouched:
        initial = await server.run(create_initial_token)
        bearer = {"authorization": f"Bearer {initial.raw_token.reveal()}"}
    elsewhere = "https://evil.example/cb"
    members = {"redirect_uris": [CALLBACK, elsewhere], "scope": "openid email"}
    made = (await server.http.post("/oauth2/register", json=members, headers=bearer)).json()
    client, browser = Known(made["client_id"], made["client_secret"]), Browser(server)
    await browser.sign_in(await server.person())
    await agree(server, browser, client, "openid email")
    ask = browser.ask(client, prompt="none", redirect_uri=elsewhere)
    told = answered(await ask, elsewhere)
    assert ("code" in told, told.get("error")) == (
        (True, None) if vouched else (False, "consent_required")
    )
    await server.close()


async def test_withdrawing_kills_codes_and_asks_again(journey: Server) -> None:
    client, user_id, browser = await journey.client(), await journey.person(), Browser(journey)
    await browser.sign_in(user_id)
    code = Secret(await agree(journey, browser, client))
    (consent,) = await journey.run(lambda work: list_consents(work, user_id=user_id))
    await journey.run(lambda work: withdraw_consent(work, user_id=user_id, consent_id=consent.id))
    assert await journey.run(lambda work: find_code(work, raw_code=code)) is None
    assert (await browser.ask(client, scope="openid")).headers["location"].startswith("/consent?")


async def test_nobody_withdraws_anothers(journey: Server) -> None:
    client, user_id, browser = await journey.client(), await journey.person(), Browser(journey)
    await browser.sign_in(user_id)
    await agree(journey, browser, client)
    (consent,) = await journey.run(lambda work: list_consents(work, user_id=user_id))
    eve = await journey.person("eve@app.example")

    async def body(work: Work) -> None:
        await withdraw_consent(work, user_id=eve, consent_id=consent.id)

    with pytest.raises(NotFound):
        await journey.run(body)
    assert len(await journey.run(lambda work: list_consents(work, user_id=user_id))) == 1


async def test_the_api_lists_and_withdraws(journey: Server) -> None:
    client, browser = await journey.client(), Browser(journey)
    assert (await browser.get("/api/v1/consents")).status_code == 401
    await browser.sign_in(await journey.person())
    await agree(journey, browser, client)
    (listed,) = (await browser.get("/api/v1/consents")).json()["items"]
    assert listed["client"]["client_id"] == client.id
    assert listed["scopes"] == ["openid"]
    path = f"/api/v1/consents/{listed['id']}"
    assert (await browser.send("DELETE", path)).status_code == 403
