"""What a person approved elsewhere and takes back before the client comes for it (N048, N180)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from limen.accounts.events import PasswordChanged
from limen.app.compose import compose
from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.oauth.consent import list_consents, withdraw_consent
from limen.oauth.events import ClientDisabled, ConsentWithdrawn
from limen.oauth.pending.take_back import take_back_approvals
from limen.oauth.registry.disable_client import disable_client, enable_client
from limen.oauth.revocation.revoke_all import revoke_all_tokens
from limen.settings import load
from tests.unit.oauth.decoupled_kit import Asking, Device, Person, asking, begin, extend
from tests.unit.oauth.http_kit import Server, refusal, serve

pytestmark = pytest.mark.anyio

LASTING = "openid offline_access"
ENDINGS = (ConsentWithdrawn, ClientDisabled, PasswordChanged)


def test_what_ends_grants_ends_approvals_in_the_application_too(tmp_path: Path) -> None:
    environment = {"LIMEN_ENVIRONMENT": "development", "LIMEN_DATA_DIR": str(tmp_path)}
    named = compose(load(environment)).runtime.works.reactions
    assert all(take_back_approvals in named[event] for event in ENDINGS)


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, extend=extend)
    works.reactions = dict.fromkeys(ENDINGS, (take_back_approvals,))
    yield made
    await made.close()


@pytest.fixture
async def user_id(server: Server) -> str:
    return await server.person()


@pytest.fixture
async def ada(server: Server, user_id: str) -> Person:
    person = Person(server)
    await person.sign_in(user_id)
    return person


async def approved_device(server: Server, ada: Person) -> Device:
    device = await begin(server, scope=LASTING)
    await ada.approve(device)
    return device


async def approved_request(server: Server, ada: Person) -> Asking:
    asked = await asking(server, scope=LASTING)
    listed = (await ada.get("/api/v1/approvals")).json()["items"]
    page = await ada.get(f"/approve?request={listed[0]['id']}")
    assert page.status_code == 200, page.text
    done = await ada.answer(f"/approve?request={listed[0]['id']}", "allow")
    assert 'id="approved"' in done.text, done.text
    return asked


async def test_n048_a_consent_withdrawn_before_the_device_comes_gives_it_nothing(
    server: Server, ada: Person, user_id: str
) -> None:
    device = await approved_device(server, ada)
    other = await approved_device(server, ada)
    for consent in await server.run(lambda work: list_consents(work, user_id=user_id)):
        if consent.client_id == device.client.id:
            await _withdraw(server, user_id, consent.id)
    assert refusal(await device.poll()) == (400, "access_denied")
    assert (await other.poll()).status_code == 200


async def test_n048_a_consent_withdrawn_before_the_server_comes_gives_it_nothing(
    server: Server, ada: Person, user_id: str
) -> None:
    asked = await approved_request(server, ada)
    (consent,) = await server.run(lambda work: list_consents(work, user_id=user_id))
    await _withdraw(server, user_id, consent.id)
    assert refusal(await asked.poll()) == (400, "access_denied")


async def test_n178_a_changed_password_takes_back_what_was_approved_and_not_fetched(
    server: Server, ada: Person, user_id: str
) -> None:
    device = await approved_device(server, ada)
    pending = await begin(server)
    changed = PasswordChanged(user_id=user_id, how="changed")
    await server.run(lambda work: work.record(changed))
    assert refusal(await device.poll()) == (400, "access_denied")
    assert refusal(await pending.poll()) == (400, "authorization_pending")


async def test_n107_a_client_that_was_disabled_meanwhile_gets_nothing_once_it_is_back(
    server: Server, ada: Person
) -> None:
    device = await approved_device(server, ada)
    await server.run(lambda work: disable_client(work, client_id=device.client.id))
    await server.run(lambda work: enable_client(work, client_id=device.client.id))
    assert refusal(await device.poll()) == (400, "access_denied")


@pytest.mark.parametrize("by", ["user", "client", "both"])
async def test_n048_who_revokes_all_tokens_leaves_none_to_be_fetched(
    server: Server, ada: Person, user_id: str, by: str
) -> None:
    device, client = await approved_device(server, ada), await server.client()
    session, _ = await server.session(user_id)
    code = await server.code(client, session)

    async def revoke(work: Work) -> None:
        for client_id in (device.client.id, client.id):
            await revoke_all_tokens(
                work,
                user_id="" if by == "client" else user_id,
                client_id="" if by == "user" else client_id,
            )

    await server.run(revoke)
    assert refusal(await device.poll()) == (400, "access_denied")
    assert refusal(await server.redeem(client, code)) == (400, "invalid_grant")


async def test_n112_to_look_at_a_device_lets_no_browser_answer_for_it(
    server: Server, ada: Person
) -> None:
    """A link of a stranger's opens it by GET, another one leads past the page that asks for it."""
    device = await begin(server)
    eve = Person(server)
    await eve.sign_in(await server.person("eve@app.example"))
    request_id = (await eve.get(f"/api/v1/device/{device.user_code}")).json()["id"]
    assert (await ada.get(f"/api/v1/device/{device.user_code}")).status_code == 200
    assert (await ada.get(f"/approve?request={request_id}")).status_code == 404


async def _withdraw(server: Server, user_id: str, consent_id: str) -> None:
    await server.run(lambda work: withdraw_consent(work, user_id=user_id, consent_id=consent_id))
