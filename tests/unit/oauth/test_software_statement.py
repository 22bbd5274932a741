from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.errors import OAuthRefusal
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.registration.statement import Statement, StatementKeys, read_statement
from limen.protocol.jwk import SigningKey, generate_key
from limen.protocol.jwt import sign
from limen.settings.sections import NetSettings
from limen.tenants.policy import TenantPolicy
from limen.testing.clock import FrozenClock
from tests.unit.net.servers import answer, listening

pytestmark = pytest.mark.anyio

ISSUER = "https://statements.example"
KEY = generate_key("ES256")
OTHER = generate_key("ES256")
MEMBERS = {"redirect_uris": ["https://app.example/cb"], "client_name": "Said by its issuer"}


def statement(key: SigningKey = KEY, *, typ: str = "JWT", **claims: Any) -> str:
    return sign({"iss": ISSUER, "iat": 1, **MEMBERS, **claims}, key, typ=typ)


def policy(**changes: Any) -> TenantPolicy:
    issuer = {"issuer": ISSUER, "jwks": {"keys": [KEY.public.jwk()]}}
    return TenantPolicy.read({"registration": {"statement_issuers": [issuer], **changes}})


@pytest.fixture
async def keys() -> AsyncIterator[StatementKeys]:
    net = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8",)}))
    yield StatementKeys(net)
    await net.close()


async def read(
    works: Works, site: Site, keys: StatementKeys, /, raw: object, **changes: Any
) -> Statement | None:
    members = {} if raw is None else {"software_statement": raw}
    registration = policy(**changes).registration
    return await works.run(
        site, lambda work: read_statement(work, members, policy=registration, keys=keys)
    )


async def test_what_its_issuer_says_wins(works: Works, site: Site, keys: StatementKeys) -> None:
    raw = statement(software_id="s-1")
    found = await read(works, site, keys, raw)
    assert found == Statement(raw, {**MEMBERS, "software_id": "s-1"})
    assert await read(works, site, keys, None) is None
    assert await read(works, site, keys, statement(aud=[site.issuer, "x"])) is not None


async def test_keys_may_be_fetched(works: Works, site: Site, keys: StatementKeys) -> None:
    reply = answer(json.dumps({"keys": [KEY.public.jwk()]}).encode())
    async with listening(reply) as server:
        for _ in range(2):
            issuer = {"issuer": ISSUER, "jwks_uri": "https://127.0.0.1/jwks"}
            known = policy(statement_issuers=[issuer]).registration.statement_issuers[0]
            at = known.model_copy(update={"jwks_uri": server.url})
            found = await keys.of(at, kid=KEY.kid)
            assert KEY.kid in found
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (statement(OTHER), "invalid_software_statement"),
        (statement(iss="https://other.example"), "unapproved_software_statement"),
        (statement(aud="https://other.example"), "invalid_software_statement"),
        (statement(aud=[]), "invalid_software_statement"),
        (statement(aud=None), "invalid_software_statement"),
        (statement(exp=1), "invalid_software_statement"),
        (statement(nbf=99_999_999_999), "invalid_software_statement"),
        (statement(typ="at+jwt"), "invalid_software_statement"),
        (statement()[:-4] + "AAAA", "invalid_software_statement"),
        ("eyJhbGciOiJub25lIn0.e30.", "invalid_software_statement"),
        ("x", "invalid_software_statement"),
        (7, "invalid_software_statement"),
        ({}, "invalid_software_statement"),
    ],
)
async def test_n190_nobody_else_says_it(
    works: Works, site: Site, keys: StatementKeys, raw: object, code: str
) -> None:
    with pytest.raises(OAuthRefusal) as refusal:
        await read(works, site, keys, raw)
    assert refusal.value.code == code


async def test_a_tenant_may_insist(works: Works, site: Site, keys: StatementKeys) -> None:
    with pytest.raises(OAuthRefusal) as refusal:
        await read(works, site, keys, None, require_statement=True)
    assert refusal.value.code == "unapproved_software_statement"
    raw = statement()
    assert await read(works, site, keys, raw, require_statement=True) is not None


async def test_without_trusted_issuers_none_counts(
    works: Works, site: Site, keys: StatementKeys, clock: FrozenClock
) -> None:
    clock.advance(dt.timedelta(seconds=1))
    with pytest.raises(OAuthRefusal):
        await read(works, site, keys, statement(), statement_issuers=[])
