"""SECURITY-CASES N241, rule O4: what a real server writes down while people use it."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from typing_extensions import override

from limen.kernel.secret import Secret
from limen.protocol.pkce import s256
from limen.testing.visitor import Page, Visitor
from tests.servers import Server, running
from tests.vault_server import Holder

pytestmark = pytest.mark.anyio
ADA, BOB, OWNER = "ada@canary.example", "bob@canary.example", "owner@canary.example"
CALLBACK = "https://app.example/cb"
JSON = {"Accept": "application/json"}


@dataclass
class Canaries:
    """Every secret that was about, by what it is.

    Args:
        mailed: Which of them a mail may show, and whose.
    """

    all: dict[str, str] = field(default_factory=dict)
    mailed: dict[str, str] = field(default_factory=dict)

    def add(self, **found: str) -> None:
        """Keep some."""
        for name, value in found.items():
            assert len(value) >= 6, name
            self.all[f"{name} {len(self.all)}"] = value

    def found_in(self, text: str, *, but: str = "") -> list[str]:
        """Say which of them a text shows, as they are or encoded; codes as words of their own."""
        return [
            name
            for name, value in self.all.items()
            if not (but and self.mailed.get(name) == but)
            and any(re.search(rf"(?<![\d.]){re.escape(form)}", text) for form in _forms(value))
        ]

    def mail(self, to: str, **found: str) -> None:
        """Keep some that were mailed to somebody."""
        before = set(self.all)
        self.add(**found)
        self.mailed |= dict.fromkeys(set(self.all) - before, to)


def _forms(value: str) -> set[str]:
    """A secret as it may be written: plain, in a URL, in JSON, in base64."""
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], encoded}


class Recorder(Visitor):
    """A browser whose refused answers are kept."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.errors: list[Page] = []

    @override
    async def fetch(self, method: str, url: str, **sent: Any) -> Page:
        page = await super().fetch(method, url, **sent)
        if page.status >= 400:
            self.errors.append(page)
        return page


class Life:
    """What people and clients do at a server in an ordinary day, and what goes wrong in it."""

    def __init__(self, server: Server, visitor: Recorder) -> None:
        self.server, self.visitor, self.canaries = server, visitor, Canaries()
        self.password = f"canary password {secrets.token_hex(8)}"
        self.canaries.add(password=self.password)

    async def post(self, path: str, **sent: Any) -> Page:
        """Send, and read JSON."""
        return await self.visitor.fetch(
            "POST", path, headers={**JSON, **sent.pop("with", {})}, **sent
        )

    async def mails(self, to: str = "") -> list[dict[str, Any]]:
        """What is in the mailbox."""
        page = await self.visitor.fetch("GET", f"/dev/mail.json?to={quote(to)}")
        return list(page.json()["mails"])

    async def link(self, to: str, path: str) -> str:
        """Wait for a mail; return its link, having kept what is secret in it."""
        for _ in range(500):
            for mail in await self.mails(to):
                for link in mail["links"]:
                    if path in link:
                        self.canaries.mail(to, link=link.partition("token=")[2])
                        for code in re.findall(r"^\d{6,8}$", mail["text"], re.MULTILINE):
                            self.canaries.mail(to, code=code)
                        return str(link)
        raise AssertionError(f"no mail with {path} to {to}")

    async def sign_up_and_recover(self) -> None:
        """Register, verify, forget, choose anew; the second time with every used link."""
        for email in (ADA, BOB):
            await self.post(
                "/api/v1/auth/register", body={"email": email, "password": self.password}
            )
            link = await self.link(email, "/verify-email")
            page = await self.visitor.open(link)
            await self.visitor.press(page, "verify-submit")
            await self.post("/api/v1/auth/verify-email", body={"token": link.partition("=")[2]})
        await self.post("/api/v1/auth/password/forgot", body={"email": ADA})
        link = await self.link(ADA, "/reset-password")
        fresh = f"fresh canary {secrets.token_hex(8)}"
        self.canaries.add(fresh=fresh)
        page = await self.visitor.open(link)
        page = await self.visitor.press(page, "reset-submit", {"password": fresh})
        assert page.has("reset-done"), page.text
        body = {"token": link.partition("=")[2], "password": fresh + " again"}
        await self.post("/api/v1/auth/password/reset", body=body)
        self.password = fresh

    async def use_a_client(self) -> None:
        """Code, tokens, refresh, introspection, and each once more where it is refused."""
        made = self.server.cli(
            *("client", "create", "canary", "--type", "web", "--redirect-uri", CALLBACK),
            *("--scope", "openid email offline_access"),
        )
        verifier = secrets.token_urlsafe(48)
        basic = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
        auth = {"Authorization": f"Basic {basic}"}
        self.canaries.add(client=made["client_secret"], basic=basic, verifier=verifier)
        url = (
            f"/oauth2/authorize?client_id={made['client_id']}&response_type=code&state=s"
            f"&redirect_uri={quote(CALLBACK, safe='')}&scope=openid+email+offline_access"
            f"&code_challenge={s256(Secret(verifier))}&code_challenge_method=S256"
        )
        page = await self.visitor.authorize(url, email=ADA, password=self.password)
        code = page.query["code"]
        exchange = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        tokens = (await self.post("/oauth2/token", form=exchange, **{"with": auth})).json()
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        self.canaries.add(code=code, **{name: tokens[name] for name in (*TOKENS, "id_token")})
        again = (await self.post("/oauth2/token", form=refresh, **{"with": auth})).json()
        self.canaries.add(again=again["access_token"])
        for token in (tokens["access_token"], tokens["refresh_token"]):
            form = {"token": token}
            await self.post("/oauth2/introspect", form=form, **{"with": auth})
            await self.visitor.fetch("GET", f"/no-such/{token}?token={token}", headers=JSON)
            await self.visitor.fetch("GET", f"/oauth2/userinfo?access_token={token}")
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        await self.visitor.fetch("GET", "/oauth2/userinfo", headers=bearer)
        await self.visitor.fetch("GET", "/api/v1/admin/users", headers=bearer)
        await self.post("/oauth2/token", form=exchange, **{"with": auth})  # a replay ends all
        await self.post("/oauth2/token", form=refresh, **{"with": auth})
        await self.post("/oauth2/token", form={**refresh, "client_secret": made["client_secret"]})
        await self.visitor.open(url + f"&prompt=consent&code_verifier={verifier}")

    async def log_in(self) -> None:
        """Over JSON, right and wrong in every way that could be echoed."""
        right = {"email": ADA, "password": self.password}
        pair = (await self.post("/api/v1/auth/login", body=right)).json()
        self.canaries.add(**{name: pair[name] for name in TOKENS})
        wrong = f"wrong canary {secrets.token_hex(8)}"
        self.canaries.add(wrong=wrong)
        for body in (
            {"email": ADA, "password": wrong},
            {"email": ADA, "password": [wrong]},
            {"email": wrong, "password": wrong, "more": wrong},
            [wrong],
        ):
            await self.post("/api/v1/auth/login", body=body)
        body = {"email": "eve@canary.example", "password": wrong[:9]}
        self.canaries.add(short=wrong[:9] + "!")
        await self.post("/api/v1/auth/register", body={**body, "password": wrong[:9] + "!"})
        await self.post("/api/v1/auth/refresh", body={"refresh_token": pair["refresh_token"] + "x"})
        await self.post("/api/v1/auth/refresh", body={"refresh_token": {"x": wrong}})

    async def connect(self) -> None:
        """Connect Google, let the token expire, have it refreshed; then with a provider down."""
        holder = Holder(self.server, self.visitor)
        connection = await holder.connect("google", "canary")
        first = (await holder.token(connection)).json()["access_token"]
        await holder.advance(4000)
        second = (await holder.token(connection)).json()["access_token"]
        self.canaries.add(first=first, second=second)
        self.canaries.add(
            **{f"held{n}": t for n, t in enumerate(await holder.redemptions("google"))}
        )
        await self.visitor.fetch(
            "GET", f"/api/v1/oauth/google/callback?code={first}&state={second}"
        )
        self.canaries.add(**{f"cookie_{name}": v for name, v in self.visitor.cookies().items()})


TOKENS = ("access_token", "refresh_token")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"LIMEN_LOG_LEVEL": "debug", "LIMEN_MASTER_KEY": secrets.token_hex(32)}
    with running(tmp_path_factory.mktemp("canaries"), settings=settings) as made:
        yield made


async def _audit(visitor: Visitor, password: str) -> str:
    page = await visitor.fetch(
        "POST", "/api/v1/auth/login", body={"email": OWNER, "password": password}, headers=JSON
    )
    bearer = {"Authorization": f"Bearer {page.json()['access_token']}"}
    told, cursor = "", ""
    while True:
        url = f"/api/v1/admin/audit?limit=200&cursor={quote(cursor)}"
        page = await visitor.fetch("GET", url, headers=bearer)
        assert page.status == 200, page.text
        told, cursor = told + page.text, page.json()["next_cursor"]
        if not cursor:
            return told


async def test_n241_no_secret_is_written_down_told_or_mailed_to_another(server: Server) -> None:
    async with Recorder(server.base_url) as visitor, Visitor(server.base_url) as owner:
        life = Life(server, visitor)
        server.create_user(OWNER, "--role", "owner", password=life.password)
        life.canaries.add(master=server.environment["LIMEN_MASTER_KEY"])
        await life.sign_up_and_recover()
        await life.use_a_client()
        await life.log_in()
        await life.connect()
        first_password = next(iter(life.canaries.all.values()))
        audit = await _audit(owner, first_password)
        mails = await life.mails()
    canaries = life.canaries

    assert len(canaries.all) > 25
    assert len(canaries.found_in(" ".join(canaries.all.values()))) == len(canaries.all)
    routes = set(re.findall(r'"route":"([^"]*)"', server.log))
    assert {"/oauth2/token", "/reset-password"} <= routes, routes
    assert canaries.found_in(server.log) == []
    assert "account:session:started" in audit
    assert canaries.found_in(audit) == []
    assert len(visitor.errors) > 12
    for page in visitor.errors:
        assert canaries.found_in(page.text) == [], (page.url, page.text[:400])
        assert canaries.found_in(str(page.headers)) == [], page.url
    assert {mail["to"] for mail in mails} >= {ADA, BOB}
    for mail in mails:
        assert canaries.found_in(json.dumps(mail), but=mail["to"]) == [], mail["subject"]
