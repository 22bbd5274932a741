"""Twenty callers over two server processes on one database: what may be used once is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import asyncpg
import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from limen.kernel.clock import SystemClock
from limen.kernel.secret import Secret
from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from limen.protocol.jwk import generate_key
from limen.protocol.pkce import s256
from limen.testing.visitor import Page, Visitor
from tests.client_assertions import assertion_claims, presented, signed
from tests.conftest import SERVICES
from tests.patience import until
from tests.servers import PASSWORD, Server
from tests.unit.mfa.kit import App

CALLERS = 20
NEW_PASSWORD = "another passphrase, quite as long"
CALLBACK = "https://app.example/callback"


class Pair:
    """Two processes of one installation: same database, same keys, same base URL."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.one = Server(folder / "one", database_url=database_url)
        self.two = Server(folder / "two", database_url=database_url)
        for server in (self.one, self.two):
            server.folder.mkdir(parents=True)
            server.environment["LIMEN_BASE_URL"] = self.one.base_url
            server.environment["LIMEN_DATA_DIR"] = str(folder / "data")
            server.start()

    @property
    def hosts(self) -> tuple[str, str]:
        """Where each listens; the second answers to the first one's name too."""
        return self.one.base_url, self.two.base_url

    def stop(self) -> None:
        """End both."""
        for server in (self.one, self.two):
            if server.is_running:
                server.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    url = f"sqlite:///{folder / 'limen.db'}"
    if request.param == "postgresql":
        server = asyncio.run(pytestconfig.stash[SERVICES].postgres_url())
        name = f"race_{folder.name.replace('-', '_')}_{abs(hash(folder)) % 10**6}"
        asyncio.run(_create(server, name))
        url = f"{server}/{name}"
    made = Pair(folder, url)
    made.one.create_user("ada@races.example")
    yield made
    made.stop()


async def _create(server: str, name: str) -> None:
    connection = await asyncpg.connect(server + "/postgres")
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()


@contextlib.asynccontextmanager
async def _callers(pair: Pair) -> AsyncIterator[list[Visitor]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Visitor(pair.hosts[number % 2]))
            for number in range(CALLERS)
        ]


async def _race(pair: Pair, method: str, path: str, **sent: Any) -> list[Page]:
    async with _callers(pair) as callers:
        return list(await asyncio.gather(*(each.fetch(method, path, **sent) for each in callers)))


async def _mail_link(visitor: Visitor, pair: Pair, to: str, page: str) -> str:
    """Wait for a mail in the development mailbox; return the token of its link."""
    headers = {"Host": urlsplit(pair.one.base_url).netloc}

    async def token() -> str:
        answer = await visitor.fetch("GET", f"/dev/mail.json?to={to}", headers=headers)
        texts = "".join(mail["text"] for mail in answer.json()["mails"])
        found = re.search(rf"/{page}\?token=([A-Za-z0-9_-]+)", texts)
        return found[1] if found else ""

    return await until(token, f"no mail to {to}")


async def test_a_verification_link_is_taken_once(pair: Pair) -> None:
    async with Visitor(pair.one.base_url) as visitor:
        email = "new@races.example"
        body = {"email": email, "password": PASSWORD}
        assert (await visitor.fetch("POST", "/api/v1/auth/register", body=body)).status < 300
        token = await _mail_link(visitor, pair, email, "verify-email")
    answers = await _race(pair, "POST", "/api/v1/auth/verify-email", body={"token": token})
    told = Counter(answer.status for answer in answers)
    assert told[200] == 1, told
    assert told[422] + told[400] == CALLERS - 1, told


async def test_a_reset_link_is_taken_once(pair: Pair) -> None:
    email = "forgetful@races.example"
    pair.one.create_user(email)
    async with Visitor(pair.one.base_url) as visitor:
        await visitor.fetch("POST", "/api/v1/auth/password/forgot", body={"email": email})
        token = await _mail_link(visitor, pair, email, "reset-password")
        body = {"token": token, "password": NEW_PASSWORD}
        answers = await _race(pair, "POST", "/api/v1/auth/password/reset", body=body)
        told = Counter(answer.status for answer in answers)
        assert sum(count for status, count in told.items() if status < 300) == 1, told
        assert not any(status >= 500 for status in told), told
        login = {"email": email, "password": NEW_PASSWORD}
        assert (await visitor.fetch("POST", "/api/v1/auth/login", body=login)).status == 200


async def test_a_refresh_token_has_one_successor(pair: Pair) -> None:
    client = pair.one.cli(
        "client", "create", "spa", "--type", "spa", "--redirect-uri", CALLBACK,
        "--scope", "openid offline_access",
    )  # fmt: skip
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = s256(Secret(verifier))
    async with Visitor(pair.one.base_url) as visitor:
        page = await visitor.authorize(
            f"/oauth2/authorize?client_id={client['client_id']}&redirect_uri={CALLBACK}"
            f"&response_type=code&scope=openid%20offline_access&code_challenge={challenge}"
            "&code_challenge_method=S256",
            email="ada@races.example",
            password=PASSWORD,
        )
        form = {
            "grant_type": "authorization_code",
            "code": page.query["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
            "client_id": client["client_id"],
        }
        tokens = (await visitor.fetch("POST", "/oauth2/token", form=form)).json()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client["client_id"],
    }
    answers = await _race(pair, "POST", "/oauth2/token", form=form)
    successors = {answer.json()["refresh_token"] for answer in answers if answer.status == 200}
    refused = [answer for answer in answers if answer.status != 200]
    # One rotated; the grace gives the same successor three times at most; the rest are refused.
    assert len(successors) == 1
    assert len(refused) >= CALLERS - 4
    assert {answer.json()["error"] for answer in refused} == {"invalid_grant"}


async def test_n063_a_client_assertion_is_taken_once(pair: Pair) -> None:
    key = generate_key("ES256")
    members = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.public.jwk()]},
    }
    file = pair.one.folder / "signing-client.json"
    file.write_text(json.dumps(members))
    made = pair.one.cli(
        "client", "create", "signer", "--type", "machine", "--scope", "load",
        "--metadata", str(file),
    )  # fmt: skip
    claims = assertion_claims(
        made["client_id"], audience=pair.one.base_url, now=SystemClock().now()
    )
    form = {"grant_type": "client_credentials", **presented(signed(claims, key))}
    answers = await _race(pair, "POST", "/oauth2/token", form=form)
    assert Counter(answer.status for answer in answers) == {200: 1, 401: CALLERS - 1}
    for server in (pair.one, pair.two):
        server.stop()
        server.start()
    answers = await _race(pair, "POST", "/oauth2/token", form=form)
    assert {answer.status for answer in answers} == {401}, "a restart does not forget"


async def test_a_providers_callback_is_taken_once(pair: Pair) -> None:
    async with Visitor(pair.one.base_url) as visitor:
        page = await visitor.open("/api/v1/auth/oauth2/google/start")
        page = await visitor.press(page, "account-108000000000000000001")
        form = page.form_with("allow")
        sent = [*form.fields, ("decision", "allow")]
        target = urljoin(page.url, form.action or page.url)
        answer = await visitor.fetch("POST", target, form=sent)
        callback = urlsplit(answer.headers["location"])
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies().items())
    answers = await _race(
        pair, "GET", f"{callback.path}?{callback.query}", headers={"Cookie": cookies}
    )
    told = Counter(answer.status for answer in answers)
    assert told[303] == 1, told
    assert told[400] == CALLERS - 1, told


async def test_two_nodes_that_rotate_at_once_make_one_key(pair: Pair) -> None:
    email = "owner@races.example"
    pair.one.create_user(email, "--role", "owner")
    async with Visitor(pair.one.base_url) as visitor:
        login = {"email": email, "password": PASSWORD}
        made = (await visitor.fetch("POST", "/api/v1/auth/login", body=login)).json()
        bearer = {"Authorization": f"Bearer {made['access_token']}"}
        before = await _kids(visitor, bearer)
        rotate = "/api/v1/admin/keys/rotate"
        listed = (await visitor.fetch("GET", "/api/v1/admin/keys", headers=bearer)).json()["keys"]
        (active,) = [key["kid"] for key in listed if key["active"] and key["alg"] == "ES256"]
        body = {"alg": "ES256", "away_from": active}
        answers = await _race(pair, "POST", rotate, body=body, headers=bearer)
        assert {answer.status for answer in answers} == {200}
        assert [answer.json()["rotated"] for answer in answers].count(True) == 1
        after = await _kids(visitor, bearer)
    # One key more in all: the next one signs now, a new next one was made.
    assert len(after) == len(before) + 1
    assert before < after


async def _kids(visitor: Visitor, bearer: dict[str, str]) -> set[str]:
    answer = await visitor.fetch("GET", "/api/v1/admin/keys", headers=bearer)
    return {key["kid"] for key in answer.json()["keys"] if key["alg"] == "ES256"}


async def test_n257_keys_rotate_under_load_without_one_failed_request(pair: Pair) -> None:
    """Tokens are made on both nodes, verified by a stranger's library and introspected."""
    made = pair.one.cli("client", "create", "loader", "--type", "machine", "--scope", "load")
    client = (made["client_id"], made["client_secret"])
    failures: list[str] = []
    done = asyncio.Event()

    async with _callers(pair) as callers:
        loads = [
            asyncio.create_task(_load(caller, client, failures=failures, done=done))
            for caller in callers[:4]
        ]
        before = await _published(callers[0])
        for _ in range(3):
            known = await _published(callers[0])
            await asyncio.to_thread(pair.one.cli, "keys", "rotate", "--alg", "ES256")
            await _until_both_publish_more(callers[:2], than=known)
        after = await _published(callers[0])
        done.set()
        counts = await asyncio.gather(*loads)
    assert failures == []
    assert len(after - before) == 3
    assert min(counts) > 3, counts


async def _load(
    visitor: Visitor, client: tuple[str, str], *, failures: list[str], done: asyncio.Event
) -> int:
    """Ask for tokens, and accept them as an API that keeps our keys does; return how many."""
    client_id, secret = client
    form = {"client_id": client_id, "client_secret": secret}
    keys, count = KeySet([]), 0
    while not done.is_set():
        token = await visitor.fetch(
            "POST", "/oauth2/token", form={"grant_type": "client_credentials", **form}
        )
        if token.status != 200:
            failures.append(f"token {token.status} {token.text}")
            continue
        raw = token.json()["access_token"]
        kid = jws.extract_compact(raw.encode()).headers()["kid"]
        if kid not in {key.kid for key in keys.keys}:
            keys = KeySet.import_key_set((await visitor.fetch("GET", "/oauth2/jwks")).json())
        try:
            jws.deserialize_compact(raw, keys, algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            failures.append(f"verification {error!r}")
        told = await visitor.fetch("POST", "/oauth2/introspect", form={"token": raw, **form})
        if not told.json().get("active"):
            failures.append(f"introspection {told.status} {told.text}")
        count += 1
    return count


async def _published(visitor: Visitor) -> set[str]:
    answer = await visitor.fetch("GET", "/oauth2/jwks")
    return {key["kid"] for key in answer.json()["keys"]}


async def _until_both_publish_more(visitors: list[Visitor], *, than: set[str]) -> None:
    for visitor in visitors:

        async def more(visitor: Visitor = visitor) -> bool:
            return bool(await _published(visitor) - than)

        await until(more)


async def test_n167_a_one_time_code_lets_one_in(pair: Pair) -> None:
    email = f"two-steps-{secrets.token_hex(4)}@races.example"
    pair.one.create_user(email)
    login = {"email": email, "password": PASSWORD}
    async with Visitor(pair.one.base_url) as visitor:
        pair_of_tokens = (await visitor.fetch("POST", "/api/v1/auth/login", body=login)).json()
        bearer = {"Authorization": f"Bearer {pair_of_tokens['access_token']}"}
        begun = (
            await visitor.fetch("POST", "/api/v1/auth/mfa/totp", body={}, headers=bearer)
        ).json()
        app = App.of(SystemClock(), begun["secret"])
        body = {"factor_id": begun["factor_id"], "code": app.code()}
        confirmed = await visitor.fetch(
            "POST", "/api/v1/auth/mfa/totp/confirm", body=body, headers=bearer
        )
        assert confirmed.status == 200, confirmed.text
        waiting = await visitor.fetch("POST", "/api/v1/auth/login", body=login)
        assert waiting.status == 403, waiting.text
    reply = {"challenge": waiting.json()["challenge"], "code": app.code(later=1)}
    answers = await _race(pair, "POST", "/api/v1/auth/mfa/verify", body=reply)
    told = Counter(answer.status for answer in answers)
    assert told[200] == 1, told
    assert set(told) <= {200, 401, 429}, told


@pytest.mark.parametrize("kind", ["device", "ciba"])
async def test_a_request_approved_elsewhere_is_answered_once_and_redeemed_once(
    pair: Pair, kind: str
) -> None:
    grant = {"device": DEVICE_CODE, "ciba": CIBA}[kind]
    made = pair.one.cli(
        "client", "create", kind, "--type", "machine", "--scope", "openid offline_access",
        "--grant-type", grant, "--grant-type", "refresh_token",
    )  # fmt: skip
    client = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    login = {"email": "ada@races.example", "password": PASSWORD}
    asked = {**client, "scope": "openid offline_access"}
    async with Visitor(pair.one.base_url) as visitor:
        signed_in = (await visitor.fetch("POST", "/api/v1/auth/login", body=login)).json()
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        if kind == "device":
            begun = (await visitor.fetch("POST", "/oauth2/device_authorization", form=asked)).json()
            shown = await visitor.fetch(
                "GET", f"/api/v1/device/{begun['user_code']}", headers=bearer
            )
            form = {"device_code": begun["device_code"]}
            path = f"/api/v1/device/{begun['user_code']}"
        else:
            hint = {"login_hint": login["email"]}
            begun = (
                await visitor.fetch("POST", "/oauth2/bc-authorize", form={**asked, **hint})
            ).json()
            shown = await visitor.fetch("GET", "/api/v1/approvals", headers=bearer)
            form = {"auth_req_id": begun["auth_req_id"]}
            path = f"/api/v1/approvals/{shown.json()['items'][0]['id']}"
        assert shown.status == 200, shown.text
    answers = await _race(pair, "POST", f"{path}/approve", body={}, headers=bearer)
    told = Counter(answer.status for answer in answers)
    assert told[200] == 1, told
    # A code that is gone is unknown; each try of it costs until it proves right.
    assert set(told) <= ({200, 404, 409, 429} if kind == "device" else {200, 409}), told
    polls = await _race(pair, "POST", "/oauth2/token", form={"grant_type": grant, **form, **client})
    assert Counter(poll.status for poll in polls) == {200: 1, 400: CALLERS - 1}
    assert {poll.json()["error"] for poll in polls if poll.status == 400} == {"invalid_grant"}
