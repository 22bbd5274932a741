from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from limen.protocol.client_certificate import FORMATS, CertificateFormat
from tests.certificates import Made, authority, certificate, name_of
from tests.installation import Installation, Known
from tests.oauth_client import Flow, claims_in
from tests.standings import Plan, standing
from tests.tls_proxy import ADDRESS, TlsProxy

pytestmark = pytest.mark.anyio

CA = authority("Bank Authority")
OWN, FOREIGN = certificate(), certificate(authority("Another Authority"))
BOUND = {"tls_client_certificate_bound_access_tokens": True}


@dataclass(frozen=True)
class Stage:
    """A Limen, the proxy in front of it, and the certificate of a client an authority knows."""

    limen: Installation
    proxy: TlsProxy
    issued: Made

    async def metadata(self) -> dict[str, Any]:
        answer = await self.limen.api.fetch("GET", "/.well-known/openid-configuration")
        return dict(answer.json())

    async def call(
        self,
        endpoint: str,
        shown: Made | None,
        *,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Call an endpoint where discovery says that certificates are asked for."""
        url = (await self.metadata())["mtls_endpoint_aliases"][endpoint]
        connector = aiohttp.TCPConnector(ssl=self.proxy.client_context(shown), force_close=True)
        method = "POST" if form else "GET"
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, url, data=form, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def by_key(self, **members: Any) -> Known:
        jwks = {"jwks": {"keys": [OWN.jwk(x5c=True)]}, **BOUND, **members}
        return await self.limen.client(
            "web", auth_method="self_signed_tls_client_auth", metadata=jwks
        )

    async def by_name(self) -> Known:
        members = {"tls_client_auth_subject_dn": "CN=app,O=Bank,C=DE", **BOUND}
        return await self.limen.client("machine", auth_method="tls_client_auth", metadata=members)


@pytest.fixture(params=FORMATS)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    written: CertificateFormat = request.param
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(CA.pem)
    proxy = TlsProxy(tmp_path, written, accepts=[CA, OWN, FOREIGN])
    async with proxy.listening():
        environment = {
            "LIMEN_TRUSTED_PROXIES": ADDRESS,
            "LIMEN_MTLS_BASE_URL": proxy.url,
            "LIMEN_MTLS_CERTIFICATE_FORMAT": written,
            "LIMEN_MTLS_CA_BUNDLE": str(bundle),
        }
        url = f"sqlite:///{tmp_path / 'limen.db'}"
        plan = Plan(folder=tmp_path, database_url=url, environment=environment)
        async with standing(plan) as limen:
            proxy.target = int(limen.root.rpartition(":")[2])
            yield Stage(limen, proxy, certificate(CA, name=name_of(c="DE", o="Bank", cn="app")))


async def test_a_person_signs_in_and_the_tokens_are_the_certificates(stage: Stage) -> None:
    app = await stage.by_key()
    flow = Flow(stage.limen, app)
    code = await flow.code(await stage.limen.person())
    form = {
        "grant_type": "authorization_code",
        "client_id": app.id,
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    for shown in (None, FOREIGN, stage.issued):
        status, said = await stage.call("token_endpoint", shown, form=form)
        assert (status, said["error"]) == (401, "invalid_client")
    status, tokens = await stage.call("token_endpoint", OWN, form=form)
    assert status == 200, tokens
    raw = tokens["access_token"]
    assert claims_in(raw)["cnf"] == {"x5t#S256": OWN.thumbprint}

    bearer = {"Authorization": f"Bearer {raw}"}
    assert (await stage.call("userinfo_endpoint", OWN, headers=bearer))[0] == 200
    assert (await stage.call("userinfo_endpoint", FOREIGN, headers=bearer))[0] == 401
    assert (await stage.call("userinfo_endpoint", None, headers=bearer))[0] == 401
    assert (await flow.userinfo(raw)).status == 401

    refresh = {
        "grant_type": "refresh_token",
        "client_id": app.id,
        "refresh_token": tokens["refresh_token"],
    }
    assert (await stage.call("token_endpoint", FOREIGN, form=refresh))[0] == 401
    status, again = await stage.call("token_endpoint", OWN, form=refresh)
    assert status == 200
    assert claims_in(again["access_token"])["cnf"] == {"x5t#S256": OWN.thumbprint}
    asked = {"client_id": app.id, "token": again["access_token"]}
    status, seen = await stage.call("introspection_endpoint", OWN, form=asked)
    assert (status, seen["active"], seen["cnf"]["x5t#S256"]) == (200, True, OWN.thumbprint)


async def test_an_authority_vouches_for_a_machine(stage: Stage) -> None:
    app = await stage.by_name()
    form = {"grant_type": "client_credentials", "client_id": app.id, "scope": "read"}
    status, tokens = await stage.call("token_endpoint", stage.issued, form=form)
    assert status == 200, tokens
    assert claims_in(tokens["access_token"])["cnf"] == {"x5t#S256": stage.issued.thumbprint}
    for shown in (None, OWN, FOREIGN):
        assert (await stage.call("token_endpoint", shown, form=form))[0] == 401


async def test_n221_n222_only_the_proxy_tells_of_certificates(stage: Stage) -> None:
    app = await stage.by_name()
    form = {"grant_type": "client_credentials", "client_id": app.id, "scope": "read"}
    value = {
        "rfc9440": stage.issued.rfc9440,
        "escaped-pem": stage.issued.escaped_pem,
        "xfcc": stage.issued.xfcc,
    }[stage.proxy.written]
    name = {
        "rfc9440": "client-cert",
        "escaped-pem": "x-ssl-client-cert",
        "xfcc": "x-forwarded-client-cert",
    }[stage.proxy.written]
    for spelled in (name, name.upper(), name.replace("-", "_")):
        answer = await stage.limen.api.fetch(
            "POST", "/oauth2/token", form=form, headers={spelled: value}
        )
        assert answer.status == 401, "straight to the server"
        for shown in (None, FOREIGN):
            status, _ = await stage.call(
                "token_endpoint", shown, headers={spelled: value}, form=form
            )
            assert status == 401, "past the proxy"


async def test_discovery_says_so(stage: Stage) -> None:
    said = await stage.metadata()
    assert said["tls_client_certificate_bound_access_tokens"] is True
    aliases = said["mtls_endpoint_aliases"]
    assert {url.removeprefix(stage.proxy.url) for url in aliases.values()} == {
        said[name].removeprefix(said["issuer"]) for name in aliases
    }
