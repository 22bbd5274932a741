from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography import x509

from limen.db.work import Work, Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.oauth.client_authentication.by_certificate import check_names, check_registered
from limen.oauth.mutual_tls.authorities import Authorities
from limen.oauth.mutual_tls.offer import Mtls, offered_methods
from limen.oauth.registration.register import read_metadata
from limen.protocol.client_certificate import CertificateRefused
from limen.protocol.client_metadata import AUTH_METHODS, ClientMetadata
from limen.testing.clock import START, FrozenClock
from tests.certificates import (
    CLIENT,
    FAR_AHEAD,
    LONG_AGO,
    SERVER,
    Made,
    authority,
    certificate,
    name_of,
)
from tests.unit.oauth.http_kit import CALLBACK, Known, Server, refusal, serve

pytestmark = pytest.mark.anyio

CA, STRANGER = authority(), authority("Other Authority")
DAY = dt.timedelta(days=1)
DN = "CN=app,O=Bank,C=DE"
MACHINE = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke")
ALIAS = "https://mtls.example"
SANS = (
    x509.DNSName("app.bank.example"),
    x509.UniformResourceIdentifier("spiffe://bank/app"),
    x509.RFC822Name("app@bank.example"),
    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
)
NAMED = certificate(CA, sans=SANS)


def metadata(**names: str) -> ClientMetadata:
    return ClientMetadata(
        client_name="",
        client_type="machine",
        token_endpoint_auth_method="tls_client_auth",
        grant_types=("client_credentials",),
        **{f"tls_client_auth_{name}": value for name, value in names.items()},  # type: ignore[arg-type]  # of all the members these are texts
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject_dn", DN),
        ("san_dns", "app.bank.example"),
        ("san_dns", "APP.bank.example"),
        ("san_uri", "spiffe://bank/app"),
        ("san_email", "app@bank.example"),
        ("san_ip", "2001:db8::1"),
        ("san_ip", "2001:0DB8:0:0::1"),
    ],
)
def test_the_registered_name_is_found(name: str, value: str) -> None:
    check_names(metadata(**{name: value}), NAMED.seen)


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"subject_dn": DN, "san_dns": "app.bank.example"},
        {"subject_dn": ""},
        {"subject_dn": "CN=app"},
        {"subject_dn": "C=DE,O=Bank,CN=app"},
        {"subject_dn": "not a name"},
        {"san_dns": ""},
        {"san_dns": "bank.example"},
        {"san_dns": "*.bank.example"},
        {"san_dns": "xapp.bank.example"},
        {"san_uri": "spiffe://bank/app/"},
        {"san_uri": "app.bank.example"},
        {"san_email": "bank.example"},
        {"san_ip": "2001:db8::2"},
        {"san_ip": "app.bank.example"},
        {"san_ip": ""},
    ],
    ids=str,
)
def test_another_name_none_or_two_are_refused(names: dict[str, str]) -> None:
    with pytest.raises(CertificateRefused):
        check_names(metadata(**names), NAMED.seen)


def test_a_name_is_not_looked_for_where_another_kind_stands() -> None:
    common = certificate(CA, name=name_of(cn="app.bank.example"))
    for name in ("san_dns", "san_uri", "san_email", "san_ip"):
        with pytest.raises(CertificateRefused):
            check_names(metadata(**{name: "app.bank.example"}), common.seen)


@pytest.mark.parametrize("usage", [(), (*CLIENT, *SERVER)])
def test_an_authority_of_ours_vouches_for_it(usage: tuple[Any, ...]) -> None:
    Authorities(STRANGER.pem + CA.pem).check(certificate(CA, usage=usage).seen, now=START)


@pytest.mark.parametrize(
    "made",
    [
        certificate(STRANGER),
        certificate(),
        certificate(authority(key=STRANGER.key)),
        certificate(CA, valid=(LONG_AGO, START - DAY)),
        certificate(CA, valid=(START + DAY, FAR_AHEAD)),
        certificate(CA, usage=SERVER),
        certificate(NAMED),
    ],
    ids=["stranger", "itself", "impostor", "expired", "not-yet", "for-servers", "by-a-leaf"],
)
def test_nobody_else_is_believed(made: Made) -> None:
    with pytest.raises(CertificateRefused):
        Authorities(CA.pem).check(made.seen, now=START)


@pytest.mark.parametrize("bundle", [b"", b"rubbish", CA.pem[:-40]])
def test_a_bundle_without_authorities_is_a_mistake(bundle: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Authorities(bundle)


def test_a_registered_certificate_or_key_is_found() -> None:
    mine = certificate()
    again = certificate(key=mine.key)
    check_registered({"keys": [NAMED.jwk(), mine.jwk(x5c=True)]}, mine.seen)
    check_registered({"keys": [{"kty": "oct"}, "x", mine.jwk(use="sig")]}, mine.seen)
    check_registered({"keys": [mine.jwk()]}, again.seen)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "none",
        [NAMED.jwk()],
        [NAMED.jwk(x5c=True)],
        [{**NAMED.jwk(), "x5c": []}],
        [{**NAMED.jwk(), "x5c": ["!"]}],
        [{**NAMED.jwk(), "x5c": [7]}],
        [{**NAMED.jwk(), "x5c": "MIIB"}],
    ],
    ids=lambda keys: repr(keys)[:20],
)
def test_what_is_not_registered_is_refused(keys: Any) -> None:
    with pytest.raises(CertificateRefused):
        check_registered({"keys": keys}, certificate().seen)


def test_a_key_with_a_certificate_stands_for_that_one_alone() -> None:
    mine = certificate()
    with pytest.raises(CertificateRefused):
        check_registered({"keys": [mine.jwk(x5c=True)]}, certificate(key=mine.key).seen)


def test_what_is_offered_depends_on_what_the_operator_set_up() -> None:
    bare = Mtls(authorities=None, root="https://id.example", alias=None)
    full = Mtls(authorities=Authorities(CA.pem), root="https://id.example", alias=ALIAS)
    assert "self_signed_tls_client_auth" not in offered_methods(None)
    assert "tls_client_auth" not in offered_methods(bare)
    assert "self_signed_tls_client_auth" in offered_methods(bare)
    assert "tls_client_auth" in offered_methods(full)
    assert bare.alias_of("https://id.example") is None
    assert full.alias_of("https://id.example") == ALIAS
    assert full.alias_of("https://id.example/t/acme") == f"{ALIAS}/t/acme"
    assert full.alias_of("https://id.example.org") is None
    assert full.alias_of("https://login.acme.example") is None


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    mtls = Mtls(authorities=Authorities(CA.pem), root=site.issuer, alias=ALIAS)
    made = await serve(works, site, mtls=mtls)
    yield made
    await made.close()


async def by_name(server: Server, **changes: Any) -> Known:
    members = {"tls_client_auth_subject_dn": DN, **changes}
    return await server.client("machine", auth_method="tls_client_auth", metadata=members)


async def by_key(server: Server, made: Made) -> Known:
    members = {"jwks": {"keys": [made.jwk(x5c=True)]}}
    return await server.client(
        "machine", auth_method="self_signed_tls_client_auth", metadata=members
    )


async def call(
    server: Server, client: Known, made: Made | None, *, path: str = ENDPOINTS[0], **form: str
) -> httpx2.Response:
    headers = {} if made is None else {"Client-Cert": made.rfc9440}
    sent = {"client_id": client.id, **MACHINE, **form}
    return await server.http.post(path, data=sent, headers=headers)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_certificates_authenticate_at_every_endpoint(server: Server, path: str) -> None:
    mine, issued = certificate(), certificate(CA)
    self_signed, named = await by_key(server, mine), await by_name(server)
    assert (await call(server, self_signed, mine, path=path)).status_code == 200
    assert (await call(server, named, issued, path=path)).status_code == 200
    for client, made in (
        (self_signed, None),
        (self_signed, issued),
        (self_signed, certificate()),
        (named, None),
        (named, mine),
        (named, certificate(STRANGER)),
        (named, certificate(CA, name=name_of(cn="app"))),
    ):
        answer = await call(server, client, made, path=path)
        assert refusal(answer) == (401, "invalid_client")


async def test_n057_a_client_known_by_certificate_has_no_other_way(server: Server) -> None:
    mine = certificate()
    app = await by_key(server, mine)
    assert refusal(await call(server, app, mine, client_secret="x"))[0] == 401


async def test_n057_a_certificate_does_not_stand_for_a_secret(server: Server) -> None:
    mine = certificate()
    secret, public = await server.client("machine"), await server.client("spa")
    assert refusal(await call(server, secret, mine)) == (401, "invalid_client")
    assert refusal(await call(server, public, mine)) == (400, "unauthorized_client")


async def test_a_self_signed_certificate_ends_with_its_validity(
    server: Server, clock: FrozenClock
) -> None:
    short = certificate(valid=(LONG_AGO, server.works.clock.now() + DAY))
    app = await by_key(server, short)
    assert (await call(server, app, short)).status_code == 200
    clock.advance(dt.timedelta(days=2))
    assert refusal(await call(server, app, short))[0] == 401


async def test_n222_without_the_setting_no_certificate_counts(works: Works, site: Site) -> None:
    server = await serve(works, site)
    mine = certificate()
    app = await by_key(server, mine)
    assert refusal(await call(server, app, mine)) == (401, "invalid_client")
    await server.close()


async def test_tokens_are_bound_to_the_certificate(server: Server) -> None:
    mine, other = certificate(), certificate()
    members = {
        "jwks": {"keys": [mine.jwk()]},
        "tls_client_certificate_bound_access_tokens": True,
    }
    app = await server.client(
        "machine", auth_method="self_signed_tls_client_auth", metadata=members
    )
    given = (await call(server, app, mine)).json()
    assert given["token_type"] == "Bearer"
    described = await call(
        server, app, mine, path="/oauth2/introspect", token=given["access_token"]
    )
    assert described.json()["cnf"] == {"x5t#S256": mine.thumbprint}
    for made, known in (
        (mine, "insufficient_scope"),
        (other, "invalid_token"),
        (None, "invalid_token"),
    ):
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        if made is not None:
            headers["Client-Cert"] = made.rfc9440
        answer = await server.http.get("/oauth2/userinfo", headers=headers)
        assert known in answer.headers["www-authenticate"], answer.text


async def test_discovery_says_what_is_there(server: Server, works: Works, site: Site) -> None:
    said = (await server.http.get("/.well-known/openid-configuration")).json()
    assert said["tls_client_certificate_bound_access_tokens"] is True
    for endpoint in ("token", "revocation", "introspection"):
        methods = said[f"{endpoint}_endpoint_auth_methods_supported"]
        assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
        assert ("none" in methods) == (endpoint != "introspection")
        assert "ES256" in said[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    aliases = said["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{ALIAS}/oauth2/token"
    assert "authorization_endpoint" not in aliases
    assert {said[name].removeprefix(said["issuer"]) for name in aliases} == {
        url.removeprefix(ALIAS) for url in aliases.values()
    }
    plain = await serve(works, site)
    said = (await plain.http.get("/.well-known/openid-configuration")).json()
    await plain.close()
    assert said["tls_client_certificate_bound_access_tokens"] is False
    assert "mtls_endpoint_aliases" not in said
    assert not any("tls" in method for method in said["token_endpoint_auth_methods_supported"])


NEEDED: dict[str, dict[str, Any]] = {
    "private_key_jwt": {"jwks": {"keys": [NAMED.jwk()]}},
    "self_signed_tls_client_auth": {"jwks": {"keys": [NAMED.jwk(x5c=True)]}},
    "tls_client_auth": {"tls_client_auth_subject_dn": DN},
}


async def test_clients_register_what_discovery_offers_and_nothing_else(
    server: Server, works: Works, site: Site
) -> None:
    plain = await serve(works, site)
    for each in (server, plain):
        said = (await each.http.get("/.well-known/oauth-authorization-server")).json()
        for method in AUTH_METHODS:
            members = {
                "token_endpoint_auth_method": method,
                "redirect_uris": [CALLBACK],
                **NEEDED.get(method, {}),
            }
            accepted = await _is_registrable(each, members)
            assert accepted == (method in said["token_endpoint_auth_methods_supported"]), method
    await plain.close()


async def _is_registrable(server: Server, members: dict[str, Any]) -> bool:
    async def body(work: Work) -> bool:
        try:
            await read_metadata(work, server.parts.registrar, members, statement=None, vouched=True)
        except InvalidInput as refusal:
            return refusal.field != "token_endpoint_auth_method"
        return True

    return await server.run(body)


@pytest.mark.parametrize("name", ["", "app", "CN=app,,C=DE", "CN=" + "a" * 1100])
async def test_a_name_that_can_not_be_read_is_not_registered(server: Server, name: str) -> None:
    with pytest.raises(InvalidInput):
        await by_name(server, tls_client_auth_subject_dn=name)
