"""There and back: what is sent to whom, with which proof of who we are, and who it then is."""

from __future__ import annotations

import base64
import dataclasses
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import ECKey, RSAKey

from limen.db.work import Work
from limen.federation.begin import Flow, begin
from limen.federation.call import ask_about_token
from limen.federation.clients.credentials import ClientKey, SharedSecret
from limen.federation.clients.make_key import make_key
from limen.federation.clients.sealed import NewCredential, add_credential
from limen.federation.finish import Callback, Finished, finish
from limen.federation.parts import Parts
from limen.federation.provider import Ask, Provider
from limen.federation.provider_keys import ProviderKeys
from limen.federation.registry import Providers, Registry
from limen.federation.upstream_clients import (
    NewUpstreamClient,
    UpstreamClient,
    get_upstream_client,
    set_upstream_client,
)
from limen.kernel.actor import ANONYMOUS
from limen.kernel.errors import MalformedRequest, NotPermitted, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.params import parse_params
from limen.settings import Settings
from tests.house import House
from tests.standings import serving
from tests.unit.federation.vendors import OID, TENANT, Vendors

pytestmark = pytest.mark.anyio
BROWSER = Secret("this browser's")


@dataclasses.dataclass
class Journeys:
    """A tenant that sends people to the vendors."""

    house: House
    vendors: Vendors
    parts: Parts

    async def client(self, provider: str) -> UpstreamClient:
        return await self.house.run(
            lambda work: get_upstream_client(work, self.house.envelope, provider=provider)
        )

    async def set(self, provider: str, credential: NewCredential, **more: Any) -> None:
        new = NewUpstreamClient(provider=provider, client_id="us", credential=credential, **more)
        await self.house.run(lambda work: set_upstream_client(work, self.house.envelope, new=new))

    def provider(self, client: UpstreamClient) -> Provider:
        found = self.parts.registry.find(client.provider, client.config)
        assert found is not None
        return found

    async def sign_in(self, name: str, **back: str) -> Finished:
        client = await self.client(name)
        provider = self.provider(client)
        flow = Flow(
            provider=provider,
            client=client,
            ask=Ask(purpose="sign_in", scopes=provider.sign_in_scopes),
            redirect_uri="http://localhost/callback",
            raw_browser=BROWSER,
        )
        url = await self.house.run(lambda work: begin(work, self.parts, flow=flow))
        asked = dict(parse_qsl(urlsplit(url).query))
        self.vendors.nonce = asked.get("nonce", "")
        self.vendors.now = int(self.house.clock.now().timestamp())
        query = urlencode({"state": asked["state"], "code": "good", **back})
        callback = Callback(
            params=parse_params(query.encode()),
            provider=name,
            purpose="sign_in",
            actor=ANONYMOUS,
            raw_browser=BROWSER,
        )

        def find(provider_id: str, config: Any) -> Provider:
            found = self.parts.registry.find(provider_id, config)
            assert found is not None
            return found

        return await finish(self.parts, self.house.site, callback=callback, find_provider=find)


@pytest.fixture
async def journeys(house: House) -> AsyncIterator[Journeys]:
    vendors = Vendors()
    net = Net(Settings(environment="development").net)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        vendors.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        parts = Parts(
            works=house.works,
            envelope=house.envelope,
            net=net,
            keys=ProviderKeys(net),
            registry=Registry(Providers(simulators=vendors.base_url)),
        )
        async with serving(vendors.app(), on=listener):
            yield Journeys(house, vendors, parts)
    await net.close()


def known_key(journeys: Journeys) -> NewCredential:
    """A key of ours whose certificate Microsoft has."""
    made = make_key(name="Limen", now=journeys.house.clock.now())
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).decode().rstrip("=")
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    journeys.vendors.keys[thumbprint] = RSAKey.import_key(public)
    return made


def secret(raw: str) -> NewCredential:
    return NewCredential(credential=SharedSecret(raw=Secret(raw)))


async def test_github_signs_in_by_id_with_its_primary_verified_address(journeys: Journeys) -> None:
    await journeys.set("github", secret("live"))
    found = (await journeys.sign_in("github")).identity
    assert (found.subject, found.label) == ("7", "ada")
    assert (found.email, found.email_verified) == ("ada@corp.example", True)


async def test_secrets_are_tried_in_order_until_one_is_taken(journeys: Journeys) -> None:
    await journeys.set("github", secret("live"))
    for raw in ("old", "newest-not-live-yet"):

        async def add(work: Work, each: str = raw) -> str:
            return await add_credential(
                work, journeys.house.envelope, provider="github", new=secret(each)
            )

        await journeys.house.run(add)
    assert (await journeys.sign_in("github")).identity.subject == "7"
    tried = [sent["client_secret"] for path, sent in journeys.vendors.seen if "token" in path]
    assert tried == ["newest-not-live-yet", "old", "live"]


async def test_a_code_that_is_refused_is_not_tried_with_another_secret(journeys: Journeys) -> None:
    await journeys.set("github", secret("live"))
    await journeys.house.run(
        lambda work: add_credential(
            work, journeys.house.envelope, provider="github", new=secret("old")
        )
    )
    journeys.vendors.secrets.add("old")
    with pytest.raises(MalformedRequest, match="provider_refused"):
        await journeys.sign_in("github", code="stolen")
    assert len(journeys.vendors.seen) == 1


async def test_no_secret_that_is_taken_is_our_trouble(journeys: Journeys) -> None:
    await journeys.set("github", secret("expired"))
    with pytest.raises(ProviderUnavailable, match="provider_client_broken"):
        await journeys.sign_in("github")


async def test_github_is_revoked_by_delete_with_the_token_in_json(journeys: Journeys) -> None:
    await journeys.set("github", secret("live"))
    client = await journeys.client("github")
    provider = journeys.provider(client)
    endpoints = await provider.endpoints(journeys.parts.net, now=journeys.house.clock.now())
    assert endpoints.revoke is not None
    answer = await ask_about_token(
        journeys.parts.net,
        provider,
        endpoints.revoke,
        raw_token=Secret("gho_1"),
        client=client.at_provider,
    )
    assert answer.status == 204
    assert journeys.vendors.seen == [("/github/applications/us/grant", {"access_token": "gho_1"})]


async def test_microsoft_takes_our_signature_and_the_issuer_is_the_tokens_tenant(
    journeys: Journeys,
) -> None:
    made = known_key(journeys)
    await journeys.set("microsoft", made)
    journeys.vendors.claims = {"email": "ada@contoso.example", "email_verified": True}
    found = (await journeys.sign_in("microsoft")).identity
    assert found.issuer == f"{journeys.vendors.base_url}/microsoft/{TENANT}/v2.0"
    assert (found.subject, found.email_verified) == (OID, False)


@pytest.mark.parametrize(
    ("config", "claims", "refusal"),
    [
        ({"allowed_tenants": ("66666666-7777-8888-9999-000000000000",)}, {}, NotPermitted),
        ({"values": {"tenant": "consumers"}}, {}, NotPermitted),
        ({}, {"tid": "66666666-7777-8888-9999-000000000000"}, MalformedRequest),
        ({}, {"iss": "https://evil.example"}, MalformedRequest),
        ({}, {"oid": None}, ProviderUnavailable),
    ],
    ids=["not allowed", "no consumer", "another's tenant", "another's issuer", "nobody"],
)
async def test_microsofts_other_tenants_end_at_the_door(
    journeys: Journeys, config: dict[str, Any], claims: dict[str, Any], refusal: type[Exception]
) -> None:
    made = known_key(journeys)
    await journeys.set("microsoft", made, **config)
    journeys.vendors.claims = claims
    with pytest.raises(refusal):
        await journeys.sign_in("microsoft")


async def test_apple_takes_the_signed_secret_and_tells_a_name_once(journeys: Journeys) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    journeys.vendors.keys["ABC"] = ECKey.import_key(pem)
    key = ClientKey(
        kind="signed_secret", raw_pem=Secret(pem), alg="ES256", kid="ABC", team_id="TEAM"
    )
    await journeys.set("apple", NewCredential(credential=key))
    user = '{"name":{"firstName":"Ada","lastName":"L"},"email":"victim@gmail.com"}'
    found = (await journeys.sign_in("apple", user=user)).identity
    assert (found.subject, found.name) == ("001.a", "Ada L")
    assert (found.email, found.email_verified) == ("x@privaterelay.appleid.com", True)
    assert (await journeys.sign_in("apple")).identity.name is None
