from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

import limen
from limen.db.work import Work
from limen.kernel.errors import (
    BearerRefusal,
    InvalidClient,
    InvalidInput,
    NotAuthenticated,
    OAuthRefusal,
    ReauthenticationRequired,
    Refusal,
    Throttled,
    Unavailable,
)
from limen.web.errors import STATUS, Face, status_of
from limen.web.exchange import PUBLIC, route
from limen.web.framework import as_refusal
from tests.unit.web.conftest import Serve


def every_kind(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_kind(child)


def test_every_kind_of_the_kernel_has_a_row_and_every_other_inherits_one() -> None:
    for module in pkgutil.iter_modules(limen.__path__[:1], "limen."):
        if module.name in {"limen.kernel", "limen.web"}:
            importlib.import_module(module.name)
    ours = [kind for kind in every_kind() if kind.__module__ == "limen.kernel.errors"]
    assert len(ours) > 15
    for kind in ours:
        assert kind in STATUS or any(parent in STATUS for parent in kind.__mro__[1:-3]), kind


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (BearerRefusal("invalid_token"), 401),
        (BearerRefusal("insufficient_scope"), 403),
        (BearerRefusal("invalid_request"), 400),
        (OAuthRefusal("temporarily_unavailable"), 503),
        (OAuthRefusal("invalid_grant"), 400),
        (InvalidClient(), 401),
        (Throttled(retry_after_seconds=3), 429),
        (Unavailable(), 503),
    ],
)
def test_status(refusal: Refusal, status: int) -> None:
    assert status_of(refusal) == status


def test_a_fault_nobody_knows_says_nothing() -> None:
    assert as_refusal(KeyError("canary")).public == (
        "Something went wrong on our side. Nothing was changed."
    )


def test_who_hangs_up_in_the_middle_of_a_body_is_no_crash_of_ours() -> None:
    assert as_refusal(ClientDisconnect()).code == "malformed_request"


OURS = (
    'realm="https://id.example", resource_metadata='
    '"https://id.example/.well-known/oauth-protected-resource/api/v1"'
)
TOO_LITTLE = 'error="insufficient_scope", error_description="Insufficient scope."'


def raising(refusal: Refusal, face: Face, *, path: str = "/x") -> object:
    async def handler(request: Request, work: Work) -> Response:
        raise refusal

    return route(path, handler, guard=PUBLIC, face=face, methods=["GET", "POST"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refusal", "sent", "challenge"),
    [
        (NotAuthenticated(), {}, 'Bearer realm="https://id.example"'),
        (
            BearerRefusal("insufficient_scope", scope="a b"),
            {},
            (
                'Bearer realm="https://id.example", error="insufficient_scope", '
                'error_description="Insufficient scope.", scope="a b"'
            ),
        ),
        (
            BearerRefusal("insufficient_scope", scope="a"),
            {"authorization": "dpop token"},
            (
                'DPoP realm="https://id.example", error="insufficient_scope", '
                'error_description="Insufficient scope.", scope="a", algs="ES256 Ed25519 EdDSA PS256 RS256"'
            ),
        ),
        (
            ReauthenticationRequired(max_age=60),
            {"authorization": "DPoP token"},
            (
                'DPoP realm="https://id.example", error="insufficient_user_authentication", '
                'error_description="Reauth required.", max_age="60", '
                'algs="ES256 Ed25519 EdDSA PS256 RS256"'
            ),
        ),
        (InvalidClient(), {"authorization": "Basic x"}, 'Basic realm="https://id.example"'),
        (InvalidClient(), {}, None),
    ],
)
async def test_challenges(
    serve: Serve, refusal: Refusal, sent: dict[str, str], challenge: str | None
) -> None:
    answer = await serve(raising(refusal, "oauth")).post("/x", headers=sent)
    assert answer.headers.get("www-authenticate") == challenge


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refusal", "challenge"),
    [
        (NotAuthenticated(), f"Bearer {OURS}"),
        (
            BearerRefusal("insufficient_scope", scope="a b"),
            f'Bearer {OURS.replace(", ", f", {TOO_LITTLE}, ")}, scope="a b"',
        ),
    ],
    ids=["nobody", "too little"],
)
async def test_rfc_9728_5_1_our_api_says_where_its_metadata_stands(
    serve: Serve, refusal: Refusal, challenge: str
) -> None:
    client = serve(raising(refusal, "json", path="/api/v1/x"))
    assert (await client.get("/api/v1/x")).headers["www-authenticate"] == challenge


@pytest.mark.anyio
async def test_when_to_come_back(serve: Serve) -> None:
    client = serve(raising(Unavailable(), "json"))
    answer = await client.get("/x")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


@pytest.mark.anyio
async def test_a_database_that_is_gone_is_503_and_says_so_to_clients(serve: Serve) -> None:
    answer = await serve(raising(Unavailable(), "oauth")).get("/x")
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.anyio
async def test_a_person_who_is_not_signed_in_is_sent_there(serve: Serve) -> None:
    client = serve(raising(NotAuthenticated(), "page"))
    answer = await client.get("/t/acme/x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/t/acme/sign-in?continue=%2Fx"


@pytest.mark.anyio
async def test_the_field_at_fault_is_named(serve: Serve) -> None:
    refusal = OAuthRefusal("invalid_request", "scope was sent twice.", field="scope")
    answer = await serve(raising(refusal, "json")).get("/x")
    assert answer.json()["errors"] == [
        {"field": "scope", "code": "invalid_request", "detail": "scope was sent twice."}
    ]


@pytest.mark.anyio
async def test_markup_in_a_refusal_stays_text(serve: Serve) -> None:
    refusal = OAuthRefusal("x", "<script>alert(1)</script>\"'{{7*7}}")
    answer = await serve(raising(refusal, "page")).get("/x")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;{{7*7}}" in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("face", ["json", "oauth"])
async def test_a_name_that_no_utf8_can_say_is_refused_like_any_other(
    serve: Serve, face: Face
) -> None:
    refusal = InvalidInput("claim_unknown", "No \ud800.", field="\ud800" + "x" * 3000)
    answer = await serve(raising(refusal, face)).get("/x")
    assert answer.status_code == 422
    if face == "json":
        assert answer.json()["errors"] == [
            {"field": "?" + "x" * 79, "code": "claim_unknown", "detail": "No ?."}
        ]
