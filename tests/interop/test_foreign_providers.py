from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from limen.testing.node import node_path
from limen.testing.processes import free_port
from limen.testing.visitor import Page, Visitor
from tests.interop.conftest import Installation
from tests.interop.node_scripts import FOLDER
from tests.patience import until
from tests.servers import PASSWORD

pytestmark = pytest.mark.anyio
DIANA = {"username": "diana", "password": "krall"}
# idpyoidc takes Basic's secret as it comes, not encoded first as RFC 6749 section 2.3.1 says.
PLAIN_SECRET = "9d1f0c5b7e6a48d3b2c4f8e1a7d60f35"
SECRET = "a secret of the foreign provider, long enough"


class ForeignProvider:
    """npm ``oidc-provider`` in a process of its own."""

    def __init__(self, limen: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        clients = [
            {
                "client_id": "limen",
                "client_secret": SECRET,
                "redirect_uris": [
                    f"{limen}/api/v1/auth/oauth2/foreign/callback",
                    f"{limen}/api/v1/oauth/foreign/callback",
                ],
            }
        ]
        self.process = subprocess.Popen(
            [node_path(), "provider.mjs", json.dumps({"port": self.port, "clients": clients})],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def seen(self) -> dict[str, int]:
        """What the provider counted."""
        with urllib.request.urlopen(f"{self.issuer}/seen") as answer:
            return dict(json.load(answer))

    def order(self, **orders: str) -> None:
        """Say who comes next, and how the token endpoint fails."""
        with urllib.request.urlopen(f"{self.issuer}/order?{urlencode(orders)}") as answer:
            assert answer.status == 200

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def foreign(installation: Installation) -> Iterator[ForeignProvider]:
    provider = ForeignProvider(installation.issuer)
    installation.server.cli(
        "provider",
        "set",
        "foreign",
        "--client-id",
        "limen",
        "--client-secret-stdin",
        "--issuer",
        provider.issuer,
        "--scope",
        "openid email profile",
        "--connect-scope",
        "openid offline_access",
        stdin=SECRET,
    )
    yield provider
    provider.end()


class IdpyOidc:
    """idpyoidc's OpenID provider in a process of its own."""

    def __init__(self, limen: str, folder: Path) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        ways_back = [
            f"{limen}/api/v1/auth/oauth2/idpyoidc/callback",
            f"{limen}/api/v1/oauth/idpyoidc/callback",
        ]
        client = {
            "client_secret": PLAIN_SECRET,
            "redirect_uris": [[each, {}] for each in ways_back],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scopes": ["openid", "profile", "email", "offline_access"],
            "revoke_refresh_on_issue": True,  # each refresh token once
        }
        config = {"port": self.port, "folder": str(folder), "clients": {"limen": client}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.interop.idpyoidc_op", json.dumps(config)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def seen(self) -> dict[str, Any]:
        """What the provider counted."""
        with urllib.request.urlopen(f"{self.issuer}/seen") as answer:
            return dict(json.load(answer))

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def idpyoidc(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IdpyOidc]:
    provider = IdpyOidc(installation.issuer, tmp_path_factory.mktemp("idpyoidc"))
    installation.server.cli(
        "provider",
        "set",
        "idpyoidc",
        "--client-id",
        "limen",
        "--client-secret-stdin",
        "--issuer",
        provider.issuer,
        "--scope",
        "openid email profile",
        "--connect-scope",
        "openid offline_access",
        stdin=PLAIN_SECRET,
    )
    yield provider
    provider.end()


async def test_a_stranger_signs_in_with_a_foreign_provider(
    installation: Installation, foreign: ForeignProvider
) -> None:
    async with Visitor(installation.issuer, also=[foreign.issuer]) as visitor:
        page = await visitor.open("/api/v1/auth/oauth2/foreign/start")
        assert page.status == 200, page.text[:600]
        account = await visitor.open("/account")
        assert "Somebody Foreign" in account.text
        me = (await visitor.open("/api/v1/auth/me")).json()
        # A provider known by configuration alone is not believed about mailboxes.
        assert me["email"] is None
        assert me["amr"] == ["fed"]


async def test_the_same_foreign_account_is_the_same_person_again(
    installation: Installation, foreign: ForeignProvider
) -> None:
    ids = set()
    for _ in range(2):
        async with Visitor(installation.issuer, also=[foreign.issuer]) as visitor:
            await visitor.open("/api/v1/auth/oauth2/foreign/start")
            ids.add((await visitor.open("/api/v1/auth/me")).json()["id"])
    assert len(ids) == 1


async def _tokens(visitor: Visitor) -> dict[str, str]:
    """Sign in over JSON; return the headers of a bearer."""
    body = {"email": "ada@example.org", "password": PASSWORD}
    page = await visitor.fetch("POST", "/api/v1/auth/login", body=body)
    return {"Authorization": f"Bearer {page.json()['access_token']}"}


async def _token(visitor: Visitor, connection: str, headers: dict[str, str]) -> dict[str, Any]:
    page = await visitor.fetch(
        "GET", f"/api/v1/oauth/connections/{connection}/token", headers=headers
    )
    assert page.status == 200, page.text
    return dict(page.json())


async def _connect(installation: Installation, visitor: Visitor, provider: str = "foreign") -> Page:
    await visitor.sign_in(installation.person["email"], installation.person["password"])
    bearer = await _tokens(visitor)
    begun = await visitor.fetch(
        "POST", f"/api/v1/oauth/{provider}/connect", body={"features": ["account"]}, headers=bearer
    )
    assert begun.status == 200, begun.text
    page = await visitor.open(begun.json()["link_url"])
    if page.has("connect-continue"):
        page = await visitor.press(page, "connect-continue")
    if page.has("log-in"):
        page = await visitor.press(page, "log-in", DIANA)
    if page.has("confirm-connect"):
        page = await visitor.press(page, "confirm-connect")
    return page


async def test_a_connection_is_made_refreshed_when_it_expires_and_revoked(
    installation: Installation, foreign: ForeignProvider
) -> None:
    async with Visitor(installation.issuer, also=[foreign.issuer]) as visitor:
        others = await _live(visitor, await _tokens(visitor))
        page = await _connect(installation, visitor)
        assert page.status == 200, page.text[:800]
        bearer = await _tokens(visitor)
        [connection] = await _live(visitor, bearer) - others
        first = await _token(visitor, connection, bearer)
        again = await _token(visitor, connection, bearer)
        assert again["access_token"] == first["access_token"]
        before = foreign.seen()

        moved = dt.timedelta(minutes=10).total_seconds()
        host = {"Host": installation.issuer.removeprefix("http://")}
        clock = await visitor.fetch(
            "POST", "/dev/clock", body={"advance_seconds": moved}, headers=host
        )
        assert clock.status == 200, clock.text
        second = await _token(visitor, connection, bearer)
        assert second["access_token"] != first["access_token"]
        assert second["generation"] > first["generation"]
        assert foreign.seen()["refreshes"] > before["refreshes"]
        assert foreign.seen()["reused"] == before["reused"]

        gone = await visitor.fetch(
            "DELETE", f"/api/v1/oauth/connections/{connection}", headers=bearer
        )
        assert (gone.status, gone.json()["revoked"]) == (200, True), gone.text
        refused = await visitor.fetch(
            "GET", f"/api/v1/oauth/connections/{connection}/token", headers=bearer
        )
        assert refused.status in {404, 409}

        async def is_revoked() -> bool:
            return foreign.seen()["revocations"] > before["revocations"]

        await until(is_revoked, "the provider was not told")


async def test_a_provider_that_stumbles_costs_no_connection(
    installation: Installation, foreign: ForeignProvider
) -> None:
    async with Visitor(installation.issuer) as visitor:
        others = await _live(visitor, await _tokens(visitor))
    for account in ("one", "two", "three"):
        foreign.order(account=account)
        async with Visitor(installation.issuer, also=[foreign.issuer]) as visitor:
            page = await _connect(installation, visitor)
            assert page.status == 200, page.text[:800]
    foreign.order(account="foreigner")
    before = foreign.seen()
    async with Visitor(installation.issuer) as visitor:
        bearer = await _tokens(visitor)
        ids = await _live(visitor, bearer) - others
        assert len(ids) == 3
        old = {each: (await _token(visitor, each, bearer))["generation"] for each in ids}
        foreign.order(faults="500,html,429")
        await visitor.fetch("POST", "/dev/clock", body={"advance_seconds": 600})
        bearer = await _tokens(visitor)

        async def are_fresh() -> bool:
            path = "/api/v1/oauth/connections/{}/token"
            pages = [await visitor.fetch("GET", path.format(each), headers=bearer) for each in ids]
            assert {page.status for page in pages} <= {200, 502, 503}
            assert await _live(visitor, bearer) >= ids
            return {page.status for page in pages} == {200}

        await until(are_fresh, "they do not come back")
        assert foreign.seen()["faults"] == before["faults"] + 3
        assert foreign.seen()["reused"] == before["reused"]
        for each in ids:
            assert (await _token(visitor, each, bearer))["generation"] > old[each]


async def test_idpyoidc_signs_people_in(installation: Installation, idpyoidc: IdpyOidc) -> None:
    ids = set()
    for who in (DIANA, {"username": "eve", "password": "drops"}, DIANA):
        async with Visitor(installation.issuer, also=[idpyoidc.issuer]) as visitor:
            page = await visitor.open("/api/v1/auth/oauth2/idpyoidc/start")
            page = await visitor.press(page, "log-in", who)
            assert page.status == 200, page.text[:600]
            me = (await visitor.open("/api/v1/auth/me")).json()
            ids.add(me["id"])
            assert (me["email"], me["amr"]) == (None, ["fed"])
    assert len(ids) == 2
    assert "Diana Krall" in (await _account_page(installation, idpyoidc)).text


async def test_idpyoidc_keeps_a_connection_and_ends_it(
    installation: Installation, idpyoidc: IdpyOidc
) -> None:
    async with Visitor(installation.issuer, also=[idpyoidc.issuer]) as visitor:
        page = await _connect(installation, visitor, "idpyoidc")
        assert page.status == 200, page.text[:800]
        bearer = await _tokens(visitor)
        [connection] = await _live(visitor, bearer, "idpyoidc")
        first = await _token(visitor, connection, bearer)
        tokens = {first["access_token"]}
        for _ in range(2):  # the second with the refresh token that the first brought
            await visitor.fetch("POST", "/dev/clock", body={"advance_seconds": 400})
            bearer = await _tokens(visitor)
            tokens.add((await _token(visitor, connection, bearer))["access_token"])
        assert len(tokens) == 3
        seen = idpyoidc.seen()
        assert (seen["refreshes"], seen["refused"]) == (2, 0), seen
        gone = await visitor.fetch(
            "DELETE", f"/api/v1/oauth/connections/{connection}", headers=bearer
        )
        assert (gone.status, gone.json()["revoked"]) == (200, True), gone.text

        async def is_revoked() -> bool:
            return bool(idpyoidc.seen()["revocations"])

        await until(is_revoked, "the provider was not told")
        assert idpyoidc.seen()["refused"] == 0


async def _account_page(installation: Installation, provider: IdpyOidc) -> Page:
    async with Visitor(installation.issuer, also=[provider.issuer]) as visitor:
        page = await visitor.open("/api/v1/auth/oauth2/idpyoidc/start")
        await visitor.press(page, "log-in", DIANA)
        return await visitor.open("/account")


async def _live(visitor: Visitor, bearer: dict[str, str], provider: str = "foreign") -> set[str]:
    """The connections at a provider that need nobody's help."""
    healthy = {"active", "refreshing"}
    path = f"/api/v1/oauth/connections?provider={provider}"
    page = await visitor.fetch("GET", path, headers=bearer)
    return {each["id"] for each in page.json()["items"] if each["state"] in healthy}
