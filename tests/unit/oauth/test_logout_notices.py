"""The clients of a session are told that it is over: their servers, and through the browser."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey

from limen.db.outbox import OutboxLoop
from limen.db.tables import outbox
from limen.db.work import Work
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.authorization.attendance import note_client
from limen.oauth.logout.back_channel import KIND, logout_handler, notify_clients
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.protocol.jwe import decrypt
from limen.protocol.jwt import Expected, JwtRefused, peek, verify
from limen.sessions.events import SessionEnded
from limen.sessions.revoke import revoke, revoke_all
from limen.sessions.session import Session
from limen.settings.sections import NetSettings
from tests.unit.net.servers import Listener, answer, listening
from tests.unit.oauth.http_kit import GOODBYE, Known, Server
from tests.unit.oauth.journey_kit import Browser, answered

pytestmark = pytest.mark.anyio

EVENT = "http://schemas.openid.net/event/backchannel-logout"
OK = answer(b"", status="200 OK")


@dataclass
class Notices:
    """The loop that delivers, run by hand."""

    server: Server
    loop: OutboxLoop
    failures: list[str] = field(default_factory=list)

    async def deliver(self) -> int:
        return await self.loop.run_once()


@pytest.fixture
async def notices(journey: Server) -> AsyncIterator[Notices]:
    net = Net(NetSettings(allow=("127.0.0.0/8",)))
    failures: list[str] = []

    async def site_of(_tenant_id: str) -> Site:
        return journey.site

    handler = logout_handler(
        works=journey.works,
        keyring=journey.parts.keyring,
        clients=journey.parts.clients,
        client_keys=journey.parts.client_keys,
        net=net,
    )
    loop = OutboxLoop(
        journey.works,
        {KIND: handler},
        site_of=site_of,
        on_failure=lambda _kind, name: failures.append(name),
    )
    journey.works.reactions = {SessionEnded: (notify_clients(journey.parts.clients),)}
    yield Notices(journey, loop, failures)
    journey.works.reactions = {}
    await net.close()


async def attended(
    server: Server, *clients: Known, scope: str = "openid"
) -> tuple[Browser, Session]:
    """Somebody who signed in to these clients."""
    browser = Browser(server)
    session = await browser.sign_in(await server.person())
    for client in clients:
        page = await browser.get((await browser.ask(client, scope=scope)).headers["location"])
        assert answered(await browser.decide(page, "allow"))["code"]
    return browser, session


def tokens_of(server: Listener) -> list[str]:
    bodies = [request.partition(b"\r\n\r\n")[2].decode() for request in server.requests]
    return [token for body in bodies for token in parse_qs(body)["logout_token"]]


def token_of(server: Listener) -> str:
    return tokens_of(server)[-1]


async def sign_out(server: Server, session: Session) -> None:
    await server.run(lambda work: revoke(work, session_id=session.id))


async def test_a_client_is_told_once_the_session_is_over(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(
            metadata={"backchannel_logout_uri": f"{theirs.url}/out?a=b"}
        )
        _, session = await attended(notices.server, client)
        assert await notices.deliver() == 0
        await sign_out(notices.server, session)
        assert await notices.deliver() == 1
        assert await notices.deliver() == 0
        assert theirs.requests[0].startswith(b"POST /out?a=b HTTP/1.1\r\n")
        assert b"application/x-www-form-urlencoded" in theirs.requests[0]
        raw = token_of(theirs)
    read = peek(raw)
    assert (read.header["typ"], read.header["alg"]) == ("logout+jwt", "RS256")
    assert read.claims.pop("jti")
    now = int(notices.server.works.clock.now().timestamp())
    assert read.claims == {
        "iss": notices.server.site.issuer,
        "aud": client.id,
        "sub": session.user_id,
        "sid": session.id,
        "iat": now,
        "exp": now + 120,
        "events": {EVENT: {}},
    }
    keys = await notices.server.run(notices.server.parts.keyring.verification_keys)
    expected = Expected(
        algorithms=frozenset({"RS256"}),
        typ=("logout+jwt",),
        issuer=notices.server.site.issuer,
        audience=client.id,
        required=("iat", "jti", "sub", "sid"),
    )
    verify(raw, keys, expected=expected, now=notices.server.works.clock.now())
    assert notices.server.events[-1].name == "oauth:logout:notified"


async def test_n084_a_logout_token_is_no_id_token(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(notices.server, client)
        await sign_out(notices.server, session)
        await notices.deliver()
        raw = token_of(theirs)
    keys = await notices.server.run(notices.server.parts.keyring.verification_keys)
    as_id_token = Expected(
        algorithms=frozenset({"RS256"}),
        typ=("JWT",),
        issuer=notices.server.site.issuer,
        audience=client.id,
        required=("sub", "exp"),
    )
    with pytest.raises(JwtRefused):
        verify(raw, keys, expected=as_id_token, now=notices.server.works.clock.now())
    assert "nonce" not in peek(raw).claims


async def test_it_is_signed_as_the_clients_id_tokens_are(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(
            metadata={
                "backchannel_logout_uri": theirs.url,
                "id_token_signed_response_alg": "ES256",
                "subject_type": "pairwise",
            }
        )
        _, session = await attended(notices.server, client)
        await sign_out(notices.server, session)
        await notices.deliver()
        read = peek(token_of(theirs))
    assert read.header["alg"] == "ES256"
    assert read.claims["sub"] == await notices.server.subject(client, session.user_id)
    assert read.claims["sub"] != session.user_id


async def test_it_is_encrypted_as_the_clients_id_tokens_are(notices: Notices) -> None:
    mine = ECKey.generate_key("P-256", {"use": "enc", "kid": "mine"})
    async with listening(OK) as theirs:
        client = await notices.server.client(
            metadata={
                "backchannel_logout_uri": theirs.url,
                "id_token_encrypted_response_alg": "ECDH-ES",
                "jwks": {"keys": [mine.as_dict(private=False)]},
            }
        )
        _, session = await attended(notices.server, client)
        await sign_out(notices.server, session)
        await notices.deliver()
        raw = token_of(theirs)
    read = peek(decrypt(raw, mine).decode())
    assert (read.header["typ"], read.claims["sid"]) == ("logout+jwt", session.id)
    header = json.loads(base64.urlsafe_b64decode(raw.partition(".")[0] + "==="))
    # Whoever has keys for several servers chooses by it (section 2.4).
    assert header["iss"] == notices.server.site.issuer


@pytest.mark.parametrize("status", ["500 Oh", "400 Bad", "302 Found"])
async def test_a_client_that_does_not_confirm_is_told_again(notices: Notices, status: str) -> None:
    replies = [answer(b"", status=status), OK]

    async def reply(_reader: Any, writer: Any) -> None:
        writer.write(replies.pop(0))

    async with listening(reply) as theirs:
        client = await notices.server.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(notices.server, client)
        await sign_out(notices.server, session)
        await notices.deliver()
        assert notices.failures == ["logout_not_confirmed"]
        first = token_of(theirs)
        await due_again(notices)
        assert await notices.deliver() == 1
        assert peek(token_of(theirs)).claims["jti"] != peek(first).claims["jti"]
    assert replies == []


async def due_again(notices: Notices) -> None:
    """Let the back-off be over: the database's clock can't be moved."""

    async def body(work: Work) -> None:
        statement = sa.update(outbox).where(outbox.c.tenant_id == sa.bindparam("tenant_id"))
        await work.execute(statement.values(due_at=work.now.replace(year=2000)))

    await notices.server.run(body)


async def test_only_clients_of_the_session_are_told(notices: Notices) -> None:
    async with listening(OK) as one, listening(OK) as two:
        here = await notices.server.client(metadata={"backchannel_logout_uri": one.url})
        await notices.server.client(metadata={"backchannel_logout_uri": two.url})
        silent = await notices.server.client()
        _, session = await attended(notices.server, here, silent)
        await sign_out(notices.server, session)
        assert await notices.deliver() == 1
        assert (one.connections, two.connections) == (1, 0)


async def test_every_session_that_ends_is_told_of(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(notices.server, client)
        other = (await notices.server.session(session.user_id))[0]

        async def note(work: Work) -> None:
            found = await notices.server.parts.clients.fresh(work, client.id)
            assert found is not None
            await note_client(work, client=found, session_id=other.id, subject=other.user_id)
            await note_client(work, client=found, session_id=other.id, subject=other.user_id)

        await notices.server.run(note)
        await notices.server.run(lambda work: revoke_all(work, user_id=session.user_id))
        assert await notices.deliver() == 2
        told = {peek(token).claims["sid"] for token in tokens_of(theirs)}
    assert told == {session.id, other.id}


async def test_nobody_is_told_of_what_was_rolled_back(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(notices.server, client)

        async def body(work: Work) -> None:
            await revoke(work, session_id=session.id)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await notices.server.run(body)
        assert await notices.deliver() == 0


async def test_a_client_that_is_gone_meanwhile_is_not_told(notices: Notices) -> None:
    async with listening(OK) as theirs:
        metadata = {"backchannel_logout_uri": theirs.url}
        disabled = await notices.server.client(metadata=metadata)
        unwilling = await notices.server.client(metadata=metadata)
        _, session = await attended(notices.server, disabled, unwilling)
        await sign_out(notices.server, session)
        await notices.server.run(lambda work: disable_client(work, client_id=disabled.id))
        changes = ClientChanges(metadata={"backchannel_logout_uri": None})
        await notices.server.run(
            lambda work: update_client(work, client_id=unwilling.id, changes=changes)
        )
        assert await notices.deliver() == 2
        assert theirs.connections == 0
    assert notices.failures == []


async def test_n213_an_address_inside_is_not_called(journey: Server) -> None:
    """Whatever was registered, the door out decides at each call."""
    handler = logout_handler(
        works=journey.works,
        keyring=journey.parts.keyring,
        clients=journey.parts.clients,
        client_keys=journey.parts.client_keys,
        net=Net(NetSettings()),
    )
    failures: list[str] = []

    async def site_of(_tenant_id: str) -> Site:
        return journey.site

    loop = OutboxLoop(
        journey.works,
        {KIND: handler},
        site_of=site_of,
        on_failure=lambda _kind, name: failures.append(name),
    )
    journey.works.reactions = {SessionEnded: (notify_clients(journey.parts.clients),)}
    async with listening(OK) as theirs:
        client = await journey.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(journey, client)
        await sign_out(journey, session)
        await loop.run_once()
        assert theirs.connections == 0
    assert failures == ["outbound_refused"]
    journey.works.reactions = {}


# Through the browser


async def logged_out(server: Server, browser: Browser, client: Known, **asked: str) -> Any:
    page = await browser.get("/oauth2/logout", params=asked)
    form = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))
    form = {name: value.replace("&amp;", "&") for name, value in form.items()}
    return await browser.send("POST", "/oauth2/logout/answer", data={**form, "answer": "yes"})


async def test_a_client_is_framed_at_logout(notices: Notices) -> None:
    client = await notices.server.client(
        metadata={"frontchannel_logout_uri": "https://app.example/out?a=b&c"}
    )
    browser, session = await attended(notices.server, client)
    page = await logged_out(notices.server, browser, client)
    assert page.status_code == 200
    assert 'id="logged-out"' in page.text
    (frame,) = re.findall(r'<iframe src="([^"]+)"', page.text)
    to = urlsplit(frame.replace("&amp;", "&"))
    assert f"{to.scheme}://{to.netloc}{to.path}" == "https://app.example/out"
    query = parse_qs(to.query, keep_blank_values=True)
    assert (query["iss"], query["sid"]) == ([notices.server.site.issuer], [session.id])
    assert (query["a"], query["c"]) == (["b"], [""])
    policy = page.headers["content-security-policy"]
    assert "frame-src https://app.example;" in f"{policy};"
    assert "<script" not in page.text


async def test_frames_come_before_the_redirect(notices: Notices) -> None:
    client = await notices.server.client(
        metadata={"frontchannel_logout_uri": "https://app.example/out"}
    )
    browser, session = await attended(notices.server, client)
    code = await notices.server.code(client, session)
    hint = (await notices.server.redeem(client, code)).json()["id_token"]
    page = await logged_out(
        notices.server,
        browser,
        client,
        id_token_hint=hint,
        post_logout_redirect_uri=GOODBYE,
        state="s&t",
    )
    assert page.status_code == 200
    assert f'id="logout-continue" href="{GOODBYE}?state=s%26t"' in page.text
    assert f'content="3;url={GOODBYE}?state=s%26t"' in page.text
    script = re.search(r'<script nonce="[^"]+">(.+)</script>', page.text, re.DOTALL)
    assert script
    # HtmlUnit, the browser of some suites, reads no spread syntax and would stay here.
    assert "..." not in script[1]
    assert "frame-src https://app.example" in page.headers["content-security-policy"]


async def test_without_frames_the_browser_goes_on_at_once(notices: Notices) -> None:
    client = await notices.server.client()
    browser, session = await attended(notices.server, client)
    code = await notices.server.code(client, session)
    hint = (await notices.server.redeem(client, code)).json()["id_token"]
    gone = await logged_out(
        notices.server, browser, client, id_token_hint=hint, post_logout_redirect_uri=GOODBYE
    )
    assert (gone.status_code, gone.headers["location"]) == (303, GOODBYE)


async def test_signing_out_twice_tells_nobody_twice(notices: Notices) -> None:
    async with listening(OK) as theirs:
        client = await notices.server.client(metadata={"backchannel_logout_uri": theirs.url})
        _, session = await attended(notices.server, client)
        await sign_out(notices.server, session)

        async def again(work: Work) -> None:
            await revoke(work, session_id=session.id, must_exist=False)

        await notices.server.run(again)
        assert await notices.deliver() == 1
