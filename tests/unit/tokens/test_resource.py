import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI

from limen.kernel.errors import BearerRefusal, Unavailable
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.jwk import KeySet, SigningKey, generate_key
from limen.protocol.jwt import sign
from limen.settings.sections import NetSettings
from limen.testing.clock import START, FrozenClock
from limen.tokens.resource import ActiveToken, InProcess, Remote, ResourceServer
from limen.tokens.resource.bearer import challenge
from limen.tokens.resource.remote_keys import RemoteKeys
from limen.tokens.resource.sources import Source
from tests.unit.net.servers import Listener, listening
from tests.unit.tokens.kit import API, Tokens

pytestmark = pytest.mark.anyio

KEY = generate_key("ES256")
NOW = int(START.timestamp())
METADATA = "https://api.example/.well-known/oauth-protected-resource"


class Api:
    """A FastAPI application guarded by the kit."""

    def __init__(self, source: Source, resource: str = API, **options: Any) -> None:
        self.server = ResourceServer(
            resource, source=source, scopes=["read", "write"], name="Files", **options
        )
        app = FastAPI()

        @app.get("/files")
        async def files(
            token: Annotated[ActiveToken, Depends(self.server.require_scope("read write"))],
        ) -> dict[str, str]:
            return {"sub": token.subject}

        @app.get("/any")
        async def anything(
            token: Annotated[ActiveToken, Depends(self.server.require_scope())],
        ) -> dict[str, str | None]:
            return {"user": token.user_id}

        app.router.routes.append(self.server.metadata_route())
        self.app = app
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="https://api.example"
        )

    async def get(self, path: str, raw: str | None = None, **options: Any) -> httpx2.Response:
        headers = {} if raw is None else {"Authorization": f"Bearer {raw}"}
        return await self.http.get(path, headers=headers, **options)


async def refused(answer: httpx2.Response, status: int, error: str | None) -> None:
    assert answer.status_code == status
    named = answer.headers["www-authenticate"]
    assert named.startswith("Bearer ")
    assert f'resource_metadata="{METADATA}"' in named
    assert ("error=" in named) == (error is not None)
    assert error is None or f'error="{error}"' in named


@pytest.fixture
async def api(tokens: Tokens) -> AsyncIterator[Api]:
    made = Api(InProcess(tokens.works, tokens.site, tokens.keyring))
    yield made
    await made.http.aclose()


async def test_a_good_token_comes_in(tokens: Tokens, api: Api) -> None:
    started = await tokens.start()
    for opaque in (False, True):
        issued = await tokens.access(started, scope=("read", "write", "more"), opaque=opaque)
        answer = await api.get("/files", issued.raw.reveal())
        assert (answer.status_code, answer.json()) == (200, {"sub": "ada"})


@pytest.mark.parametrize("written", [f"{API}/", "HTTPS://API.example", "https://API.example/"])
async def test_however_a_resource_is_written_its_tokens_come_in(
    tokens: Tokens, written: str
) -> None:
    api = Api(InProcess(tokens.works, tokens.site, tokens.keyring), written)
    issued = await tokens.own()
    assert (await api.get("/any", issued.raw.reveal())).status_code == 200
    assert (await api.http.get("/.well-known/oauth-protected-resource")).json()["resource"] == (
        written
    )
    other = await tokens.own(audience=f"{API}/v1")
    assert (await api.get("/any", other.raw.reveal())).status_code == 401
    await api.http.aclose()


@pytest.mark.parametrize("wrong", ["", "files", "/files", f"{API}#part", "https://u:p@api.example"])
async def test_what_is_no_resource_is_a_mistake(tokens: Tokens, wrong: str) -> None:
    with pytest.raises(ValueError, match="absolute URI"):
        ResourceServer(wrong, source=InProcess(tokens.works, tokens.site, tokens.keyring))


async def test_n087_a_token_for_another_api_stays_out(tokens: Tokens, api: Api) -> None:
    issued = await tokens.own(audience="https://other.example", scope=("read", "write"))
    answer = await api.get("/files", issued.raw.reveal())
    await refused(answer, 401, "invalid_token")
    assert f"is not for {API}." in answer.headers["www-authenticate"]


async def test_too_little_scope(tokens: Tokens, api: Api) -> None:
    issued = await tokens.own(scope=("read",))
    answer = await api.get("/files", issued.raw.reveal())
    await refused(answer, 403, "insufficient_scope")
    assert 'scope="read write"' in answer.headers["www-authenticate"]
    assert (await api.get("/any", issued.raw.reveal())).json() == {"user": None}


async def test_a_revocation_counts_at_once_in_process(tokens: Tokens, api: Api) -> None:
    issued = await tokens.access(await tokens.start())
    assert (await api.get("/any", issued.raw.reveal())).json() == {"user": "ada"}
    await tokens.set_enabled("ada", enabled=False)
    tokens.clock.advance(issued.expires_at - tokens.clock.now())
    await refused(await api.get("/any", issued.raw.reveal()), 401, "invalid_token")


async def test_without_a_token_no_error_is_named(api: Api) -> None:
    await refused(await api.get("/any"), 401, None)
    answer = await api.http.get("/any", headers={"Authorization": "Basic YTpi"})
    await refused(answer, 401, None)


async def test_who_has_to_obtain_a_token_is_told_what_it_should_allow(api: Api) -> None:
    answers = {raw: (await api.get("/files", raw)).headers for raw in (None, "x")}
    # With no token each of the two ways of sending one is a challenge of its own.
    assert [told["www-authenticate"].count('scope="read write"') for told in answers.values()] == [
        2,
        1,
    ]
    assert "scope=" not in (await api.get("/any")).headers["www-authenticate"]
    malformed = await api.http.get("/files", headers={"Authorization": "Bearer a b"})
    assert "scope=" not in malformed.headers["www-authenticate"]


async def test_n093_a_token_in_the_query_is_none(tokens: Tokens, api: Api) -> None:
    raw = (await tokens.own()).raw.reveal()
    await refused(await api.get("/any", params={"access_token": raw}), 401, None)
    both = await api.get("/any", raw, params={"access_token": raw})
    await refused(both, 400, "invalid_request")


@pytest.mark.parametrize("line", ["Bearer", "Bearer ", "Bearer a b", "bearer a,b", 'Bearer "a"'])
async def test_a_malformed_header(api: Api, line: str) -> None:
    answer = await api.http.get("/any", headers={"Authorization": line})
    await refused(answer, 400, "invalid_request")


async def test_two_headers(tokens: Tokens, api: Api) -> None:
    raw = (await tokens.own()).raw.reveal()
    line = ("Authorization", f"Bearer {raw}")
    await refused(await api.http.get("/any", headers=[line, line]), 400, "invalid_request")


@pytest.mark.parametrize("raw", ["x", "a.b.c", "lmr_x", "lma_testtenant_" + "A" * 43, "A" * 20000])
async def test_rubbish(api: Api, raw: str) -> None:
    await refused(await api.get("/any", raw), 401, "invalid_token")


async def test_a_bound_token_is_no_bearer_token(tokens: Tokens, api: Api) -> None:
    issued = await tokens.own(bound_to="x5t#S256:abc")
    await refused(await api.get("/any", issued.raw.reveal()), 401, "invalid_token")


@pytest.mark.parametrize(
    ("bound_to", "proved", "status"),
    [
        ("x5t#S256:abc", {"x5t#S256:abc"}, 200),
        ("x5t#S256:abc", {"x5t#S256:xyz", "jkt:abc"}, 401),
        ("x5t#S256:abc", set[str](), 401),
        ("", {"x5t#S256:abc"}, 200),
        ("", set[str](), 200),
    ],
)
async def test_a_token_bound_to_a_certificate_needs_it(
    tokens: Tokens, *, bound_to: str, proved: set[str], status: int
) -> None:
    api = Api(InProcess(tokens.works, tokens.site, tokens.keyring), proved=lambda _: proved)
    issued = await tokens.own(bound_to=bound_to)
    assert (await api.get("/any", issued.raw.reveal())).status_code == status
    await api.http.aclose()


async def test_metadata_is_as_rfc9728_wants_it(api: Api, tokens: Tokens) -> None:
    answer = await api.http.get("/.well-known/oauth-protected-resource")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "resource": API,
        "authorization_servers": [tokens.site.issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"],
        "scopes_supported": ["read", "write"],
        "resource_name": "Files",
    }
    asked = await api.http.options("/.well-known/oauth-protected-resource")
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "*")
    deep = ResourceServer(f"{API}/v1/", source=InProcess(tokens.works, tokens.site, tokens.keyring))
    assert deep.metadata_url == f"{METADATA}/v1/"
    assert deep.metadata() == {
        "resource": f"{API}/v1/",
        "authorization_servers": [tokens.site.issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"],
    }


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("https://api.example", ""),
        ("https://api.example/", ""),
        ("https://api.example/v1", "/v1"),
        ("https://api.example/v1/", "/v1/"),
        ("https://api.example/v1?tenant=a", "/v1?tenant=a"),
        ("https://api.example?tenant=a", "?tenant=a"),
        ("https://api.example/?tenant=a", "?tenant=a"),
    ],
)
async def test_rfc_9728_3_1_the_well_known_name_stands_before_the_path(
    tokens: Tokens, resource: str, path: str
) -> None:
    server = ResourceServer(resource, source=InProcess(tokens.works, tokens.site, tokens.keyring))
    assert server.metadata_url == METADATA + path
    assert server.metadata()["resource"] == resource


async def test_metadata_says_how_tokens_may_be_bound(tokens: Tokens) -> None:
    source = InProcess(tokens.works, tokens.site, tokens.keyring)
    member = "tls_client_certificate_bound_access_tokens"
    assert member not in ResourceServer(API, source=source).metadata()
    seen = ResourceServer(API, source=source, proved=lambda _request: ())
    assert seen.metadata()[member] is True


def test_a_challenge_holds_each_parameter_once_and_nothing_that_breaks_it() -> None:
    hostile = BearerRefusal(
        "insufficient_scope", 'a"b\\c\r\nSet-Cookie: x\u00e9', scope='read "write"\r\n'
    )
    named = challenge(hostile, metadata_url=METADATA)
    scheme, _, rest = named.partition(" ")
    assert scheme == "Bearer"
    members = re.findall(r'([a-z_]+)="([\x20-\x21\x23-\x5B\x5D-\x7E]*)"', rest)
    assert ", ".join(f'{name}="{value}"' for name, value in members) == rest
    assert sorted(name for name, _ in members) == [
        "error",
        "error_description",
        "resource_metadata",
        "scope",
    ]


async def test_the_documentation_shows_the_lock(api: Api) -> None:
    shown = (await api.http.get("/openapi.json")).json()
    assert shown["paths"]["/files"]["get"]["security"] == [{"HTTPBearer": []}]


class Issuer:
    """An issuer on loopback: its keys, and what it says when asked."""

    def __init__(self, listener: Listener, net: Net) -> None:
        self.listener, self.net = listener, net
        self.clock = FrozenClock()
        self.keys: Any = KeySet([KEY.public]).jwks()
        self.said: Any = None
        self.status = "200 OK"
        self.cache = ""

    @property
    def url(self) -> str:
        return self.listener.url

    async def reply(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = self.listener.requests[-1].startswith(b"POST /oauth2/introspect")
        body = json.dumps(self.said if asked else self.keys).encode()
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\n{self.cache}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    def remote(self, **options: Any) -> Remote:
        return Remote(self.url, net=self.net, clock=self.clock, **options)

    def token(self, key: SigningKey = KEY, **changes: Any) -> str:
        return sign(self.claims(**changes), key, typ="at+jwt")

    def claims(self, **changes: Any) -> dict[str, Any]:
        made = {
            "iss": self.url, "sub": "ada", "aud": API, "client_id": "app", "scope": "read write",
            "iat": NOW, "exp": NOW + 900, "jti": "g.x", **changes,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}


@asynccontextmanager
async def an_issuer() -> AsyncIterator[Issuer]:
    holder: list[Issuer] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await holder[0].reply(reader, writer)

    net = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8",)}))
    async with listening(reply) as listener:
        holder.append(Issuer(listener, net))
        try:
            yield holder[0]
        finally:
            await net.close()


async def test_remotely_a_signature_is_enough_and_keys_are_fetched_once() -> None:
    async with an_issuer() as issuer:
        api = Api(issuer.remote())
        for _ in range(3):
            answer = await api.get("/files", issuer.token())
            assert (answer.status_code, answer.json()) == (200, {"sub": "ada"})
        assert len(issuer.listener.requests) == 1
        assert issuer.listener.requests[0].startswith(b"GET /oauth2/jwks ")
        assert (await api.get("/any", issuer.token())).json() == {"user": "ada"}
        await api.http.aclose()


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other.example"}, {"aud": [API]}, {"iss": "https://mallory.example"}, {"exp": NOW},
     {"exp": None}, {"jti": None}, {"client_id": None}, {"scope": ["read"]}, {"cnf": "x"}, {"amr": "pwd"},
     {"cnf": {"x5t#S256": "x"}}, {"auth_time": "now"}],
    ids=str,
)  # fmt: skip
async def test_remotely_a_wrong_token_stays_out(changes: dict[str, Any]) -> None:
    async with an_issuer() as issuer:
        api = Api(issuer.remote())
        await refused(await api.get("/any", issuer.token(**changes)), 401, "invalid_token")
        await api.http.aclose()


async def test_remotely_another_key_s_token_stays_out() -> None:
    async with an_issuer() as issuer:
        api = Api(issuer.remote())
        forged = issuer.token(generate_key("ES256"))
        await refused(await api.get("/any", forged), 401, "invalid_token")
        await api.http.aclose()


async def test_remotely_an_issuer_that_is_gone_lets_nobody_in() -> None:
    async with an_issuer() as issuer:
        issuer.status = "500 Broken"
        api = Api(issuer.remote())
        answer = await api.get("/any", issuer.token())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        await api.http.aclose()


OPAQUE = "lma_testtenant_" + "A" * 43


async def test_an_opaque_token_is_introspected() -> None:
    async with an_issuer() as issuer:
        issuer.said = issuer.claims(active=True, token_type="Bearer")
        api = Api(issuer.remote(client_id="a:pi", client_secret=Secret("s%ecret")))
        assert (await api.get("/files", OPAQUE)).status_code == 200
        head, _, body = issuer.listener.requests[-1].partition(b"\r\n\r\n")
        basic = base64.b64encode(b"a%3Api:s%25ecret").decode()
        assert f"Authorization: Basic {basic}".encode() in head
        assert body == f"token={OPAQUE}&token_type_hint=access_token".encode()
        await api.http.aclose()


@pytest.mark.parametrize(
    "changes",
    [{"active": False}, {"active": "true"}, {"active": None}, {"active": 1}, {"aud": "https://other.example"},
     {"aud": [API]}, {"iss": None}, {"exp": NOW}, {"exp": None}, {"exp": "9"}, {"sub": None}, {"iat": None},
     {"token_type": None}, {"token_type": "refresh_token"}, {"scope": 7}, {"jti": 7}],
    ids=str,
)  # fmt: skip
async def test_an_introspection_that_is_no_clear_yes_is_a_no(changes: dict[str, Any]) -> None:
    async with an_issuer() as issuer:
        issuer.said = issuer.claims(**{"active": True, "token_type": "Bearer", **changes})
        api = Api(issuer.remote(client_id="api", client_secret=Secret("s")))
        await refused(await api.get("/any", OPAQUE), 401, "invalid_token")
        await api.http.aclose()


@pytest.mark.parametrize(("status", "said"), [("401 No", {"active": True}), ("200 OK", ["active"])])
async def test_n247_an_introspection_that_fails_lets_nobody_in(status: str, said: Any) -> None:
    async with an_issuer() as issuer:
        issuer.status, issuer.said = status, said
        api = Api(issuer.remote(client_id="api", client_secret=Secret("s")))
        assert (await api.get("/any", OPAQUE)).status_code == 503
        await api.http.aclose()


async def test_without_credentials_an_opaque_token_stays_out_unasked() -> None:
    async with an_issuer() as issuer:
        api = Api(issuer.remote())
        await refused(await api.get("/any", OPAQUE), 401, "invalid_token")
        assert issuer.listener.requests == []
        await api.http.aclose()
        with pytest.raises(ValueError, match="client_secret"):
            issuer.remote(always_introspect=True)


async def test_a_jwt_can_be_introspected_each_time() -> None:
    async with an_issuer() as issuer:
        issuer.said = {"active": False}
        source = issuer.remote(client_id="api", client_secret=Secret("s"), always_introspect=True)
        api = Api(source)
        await refused(await api.get("/any", issuer.token()), 401, "invalid_token")
        assert issuer.listener.requests[-1].startswith(b"POST /oauth2/introspect ")
        await api.http.aclose()


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_n083_unknown_kids_fetch_once_a_minute() -> None:
    async with an_issuer() as issuer:
        seconds = Seconds()
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks", seconds=seconds)
        assert KEY.kid in await keys.get(KEY.kid)
        for number in range(1000):
            seconds.now += 0.119
            await keys.get(f"invented{number}")
        assert len(issuer.listener.requests) == 2


async def test_a_new_key_is_found_after_rotation() -> None:
    async with an_issuer() as issuer:
        seconds = Seconds()
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks", seconds=seconds)
        await keys.get(KEY.kid)
        new = generate_key("ES256")
        issuer.keys = KeySet([KEY.public, new.public]).jwks()
        seconds.now = 61
        assert new.kid in await keys.get(new.kid)


@pytest.mark.parametrize(
    ("cache", "fresh_for"),
    [("", 300), ("max-age=60", 300), ("public, max-age=3600", 3600), ("max-age=999999", 86_400),
     ("max-age=x", 300), ("no-store", 300)],
)  # fmt: skip
async def test_keys_are_kept_as_their_headers_say_within_bounds(cache: str, fresh_for: int) -> None:
    async with an_issuer() as issuer:
        issuer.cache = f"Cache-Control: {cache}\r\n" if cache else ""
        seconds = Seconds()
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks", seconds=seconds)
        await keys.get(KEY.kid)
        seconds.now = fresh_for - 1
        await keys.get(KEY.kid)
        assert len(issuer.listener.requests) == 1
        seconds.now = fresh_for
        await keys.get(KEY.kid)
        assert len(issuer.listener.requests) == 2


@pytest.mark.parametrize("broken", ["status", "shape", "json"])
async def test_keys_at_hand_serve_on_while_the_issuer_is_gone(broken: str) -> None:
    async with an_issuer() as issuer:
        seconds = Seconds()
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks", seconds=seconds)
        await keys.get(KEY.kid)
        if broken == "status":
            issuer.status = "500 Broken"
        issuer.keys = {"status": {}, "shape": {"keys": {}}, "json": "no object"}[broken]
        seconds.now = 4000
        assert KEY.kid in await keys.get(KEY.kid)
        seconds.now = 86_400
        with pytest.raises(Unavailable):
            await keys.get(KEY.kid)


async def test_a_first_failure_is_tried_again_soon() -> None:
    async with an_issuer() as issuer:
        seconds = Seconds()
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks", seconds=seconds)
        issuer.status = "500 Broken"
        for _ in range(5):
            with pytest.raises(Unavailable):
                await keys.get(KEY.kid)
        assert len(issuer.listener.requests) == 1
        issuer.status, seconds.now = "200 OK", 2
        assert KEY.kid in await keys.get(KEY.kid)


async def test_callers_at_once_fetch_once() -> None:
    async with an_issuer() as issuer:
        keys = RemoteKeys(issuer.net, f"{issuer.url}/jwks")
        await asyncio.gather(*[keys.get(KEY.kid) for _ in range(20)])
        assert len(issuer.listener.requests) == 1
