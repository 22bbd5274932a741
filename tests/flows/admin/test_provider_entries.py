"""Providers over the admin API: clients with several secrets, own entries, overrides."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from limen.federation.catalogue.load import load_entries
from limen.testing.visitor import Page
from tests.at_provider import agree, leave_to_sign_in, new_account
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
PROVIDERS: Final = "/api/v1/admin/providers"
Ask = Callable[..., Awaitable[Page]]
_numbers = itertools.count(1)


async def asking(limen: Installation) -> Ask:
    admin = await limen.person(role="admin")
    raw = (await limen.login(admin))["access_token"]

    async def ask(method: str, path: str = "", body: object = None) -> Page:
        return await admin.api(method, PROVIDERS + path, raw, body)

    return ask


def own_entry() -> dict[str, Any]:
    told = copy.deepcopy(load_entries()["figma"].model_dump(by_alias=True, mode="json"))
    told["id"] = f"forge-{next(_numbers)}"
    told["title"] = "Forge"
    for operation in (told["operations"]["exchange"], told["operations"]["refresh"]):
        operation["url"] = operation["url"].replace("api.figma.com", "api.forge.example")
    return told


async def test_what_there_is_is_listed_without_a_secret(limen: Installation) -> None:
    ask = await asking(limen)
    listed = (await ask("GET")).json()["providers"]
    by_id = {each["id"]: each for each in listed}
    assert set(load_entries()) <= set(by_id)
    assert by_id["google"]["source"] == "shipped"
    assert by_id["google"]["client"]["secrets"][0]["kind"] == "secret"
    assert by_id["apple"]["takes"] == ["signed_secret"]
    shown = (await ask("GET", "/microsoft")).json()
    assert {"calendar_read", "files_read", "mail_read", "user_read"} <= {
        each["name"] for each in shown["features"]
    }
    kinds = {each["name"]: each["kind"] for each in shown["scopes"]}
    assert (kinds["User.Read"], kinds["User.Read.All"]) == ("normal", "admin_consent")
    assert shown["entry"]["evidence"]
    assert (await ask("GET", "/nobody")).status == 404


async def test_a_provider_of_ones_own_with_several_secrets(limen: Installation) -> None:
    ask, entry = await asking(limen), own_entry()
    path = f"/{entry['id']}"
    assert (await ask("PUT", f"{path}/entry", {"entry": entry})).status == 200
    client = {"client_id": "ours", "client_secret": "canary-one"}
    assert (await ask("PUT", f"{path}/client", client)).json()["source"] == "own"
    soon = {"client_secret": "canary-two", "expires_at": "2099-01-01T00:00:00Z"}
    added = await ask("POST", f"{path}/secrets", soon)
    assert added.status == 201, added.text
    first, second = added.json()["client"]["secrets"]
    assert (first["expires_at"][:4], second["expires_at"]) == ("2099", None)
    assert "canary" not in added.text
    retired = [
        (await ask("DELETE", f"{path}/secrets/{each['id']}")).status for each in (first, second)
    ]
    assert retired == [204, 409]
    # Moved elsewhere, it does not get the secret along: not even to add another to it.
    entry["operations"]["exchange"]["url"] = "https://evil.example/token"
    assert (await ask("PUT", f"{path}/entry", {"entry": entry})).status == 200
    refused = await ask("POST", f"{path}/secrets", {"client_secret": "x"})
    assert (refused.status, refused.json()["code"]) == (403, "provider_client_unbound")
    assert (await ask("DELETE", f"{path}/entry")).status == 409
    assert (await ask("PUT", f"{path}/state", {"state": "disabled"})).status == 204
    assert (await ask("DELETE", f"{path}/entry")).status == 204


async def test_a_key_of_ours_for_microsoft(limen: Installation) -> None:
    ask = await asking(limen)
    made = await ask("PUT", "/microsoft/client", {"client_id": "ours", "make_key": True})
    assert made.status == 200, made.text
    [key] = made.json()["client"]["secrets"]
    assert key["kind"] == "assertion"
    assert key["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in made.text
    assert (await ask("PUT", "/microsoft/state", {"state": "disabled"})).status == 204


async def test_an_override_changes_words_and_no_address(limen: Installation) -> None:
    ask = await asking(limen)
    words = {"title": "Our Spotify", "without_features": ["playback"]}
    changed = await ask("PUT", "/spotify/override", {"override": words})
    assert (changed.json()["title"], changed.json()["overridden"]) == ("Our Spotify", True)
    assert "playback" not in {each["name"] for each in changed.json()["features"]}
    moved = {"operations": {"exchange": {"url": "https://evil.example/token"}}}
    assert (await ask("PUT", "/spotify/override", {"override": moved})).status == 422
    assert (await ask("DELETE", "/spotify/override")).status == 204
    assert (await ask("GET", "/spotify")).json()["title"] == "Spotify"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/nobody/client", {"client_id": "x", "client_secret": "y"}, "provider_unknown"),
        ("/google/client", {"client_id": "x"}, "client_secret_missing"),
        (
            "/google/client",
            {"client_id": "x", "client_secret": "y", "make_key": True},
            "client_secret_missing",
        ),
        ("/google/client", {"client_id": "x", "make_key": True}, "client_key_invalid"),
        ("/apple/client", {"client_id": "x", "client_secret": "y"}, "client_key_invalid"),
        (
            "/salesforce/client",
            {
                "client_id": "x",
                "client_secret": "y",
                "values": {"domain": "evil.com/.salesforce.com"},
            },
            "provider_address",
        ),
        (
            "/corp/client",
            {"client_id": "x", "client_secret": "y", "issuer": "https://169.254.169.254"},
            "url_not_allowed",
        ),
        ("/google/entry", {"entry": {"id": "google"}}, "provider_entry"),
        ("/nobody/override", {"override": {"title": "x"}}, "provider_unknown"),
    ],
    ids=range(9),
)
async def test_what_is_refused(
    limen: Installation, path: str, body: dict[str, Any], code: str
) -> None:
    refused = await (await asking(limen))("PUT", path, body)
    assert refused.json()["code"] == code, refused.text


async def test_a_member_sets_nothing(limen: Installation) -> None:
    person = await limen.person()
    raw = (await limen.login(person))["access_token"]
    for method, path in (
        ("GET", ""),
        ("GET", "/google"),
        ("PUT", "/google/client"),
        ("PUT", "/google/state"),
        ("POST", "/google/secrets"),
        ("DELETE", "/google/secrets/x"),
        ("PUT", "/forge/entry"),
        ("DELETE", "/forge/entry"),
        ("PUT", "/google/override"),
        ("DELETE", "/google/override"),
    ):
        body: object = None if method in {"GET", "DELETE"} else {}
        assert (await person.api(method, PROVIDERS + path, raw, body)).status == 403, path


async def test_an_answer_posted_from_the_providers_site_hops_once(limen: Installation) -> None:
    browser = limen.browser()
    url = await leave_to_sign_in(browser)
    back = urlsplit(await agree(limen, url, account=await new_account(limen)))
    path = "/api/v1/auth/oauth2/google/callback"
    form = [*parse_qsl(back.query), ("id_token", "never.looked.at")]
    foreign = {"Origin": "https://appleid.apple.com", "Sec-Fetch-Site": "cross-site"}
    # Another browser, as it were: a cross-site POST brings none of our cookies.
    hop = await limen.browser().fetch("POST", path, form=form, headers=foreign)
    assert hop.status == 303
    location = limen.root + hop.headers["location"]
    assert urlsplit(location).path.endswith(path)
    assert "id_token" not in location
    refused = await limen.browser().fetch("GET", location)
    assert refused.status == 400
    arrived = await browser.fetch("GET", location)
    assert (arrived.status, arrived.headers["location"].endswith("/account")) == (303, True)


@pytest.mark.parametrize(
    ("provider", "form"),
    [("google", [("state", "x" * 5000)]), ("%0d%0aX", [("state", "x")]), ("Google", [])],
    ids=["long", "line break", "case"],
)
async def test_a_posted_answer_that_is_none_goes_nowhere(
    limen: Installation, provider: str, form: list[tuple[str, str]]
) -> None:
    path = f"/api/v1/auth/oauth2/{provider}/callback"
    refused = await limen.browser().fetch("POST", path, form=form)
    assert refused.status in {400, 404}
    assert "location" not in refused.headers
