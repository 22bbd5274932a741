"""Cases Q: what the HTTP edge refuses."""

from __future__ import annotations

import json

import pytest

from tests.house import PASSWORD
from tests.negative.signin_cases import check_refusal, door, house, snapshot
from tests.unit.signin.kit import AUTH, WayIn

__all__ = ["door", "house"]
pytestmark = pytest.mark.anyio

ADA = "ada@example.org"


@pytest.fixture
def engine_name() -> str:
    """One engine: what is refused here is refused before a database is asked."""
    return "sqlite"


WRONG = "not the right one at all"
MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% raw %}"


@pytest.mark.parametrize(
    "hops",
    [
        ["evil.example"],
        ["_hidden"],
        ["unknown"],
        ["198.51.100.{n}, evil.example"],
        ["198.51.100.{n}, 10.0.0.1x"],
        ["198.51.100.{n}", "[::1]:80"],
    ],
)
async def test_n220_n221_a_name_in_the_header_is_looked_up_nowhere(
    door: WayIn, hops: list[str]
) -> None:
    await door.house.user(ADA)
    statuses = []
    for number in range(7):
        headers = [("x-forwarded-for", hop.format(n=number)) for hop in hops]
        body = {"email": ADA, "password": WRONG}
        answer = await door.client().post(f"{AUTH}/login", json=body, headers=headers)
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2


@pytest.mark.parametrize(
    "header", ["x_forwarded_for", "x-real-ip", "x-client-ip", "forwarded", "true-client-ip"]
)
async def test_n221_n222_no_other_header_names_the_caller(door: WayIn, header: str) -> None:
    await door.house.user(ADA)
    statuses = []
    for number in range(7):
        address = f"198.51.100.{number}"
        value = f"for={address}" if header == "forwarded" else address
        body = {"email": ADA, "password": WRONG}
        answer = await door.client().post(f"{AUTH}/login", json=body, headers={header: value})
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/auth/me",
        "/api/v1/auth/me?a=/healthz",
        "/api/v1/auth/me#/healthz",
        "/api/v1/auth/me/",
        "/api/v1/auth/me.",
        "/api/v1/auth/me.css",
        "/api/v1/auth/me;/healthz",
        "/api/v1/auth//me",
        "//api/v1/auth/me",
        "/api/v1/auth/%6de",
        "/api/v1/auth%2fme",
        "/healthz/..%2fapi/v1/auth/me",
        "/healthz%2f..%2fapi%2fv1%2fauth%2fme",
        "/static/..%2f..%2fapi/v1/auth/me",
        "/t/default/api/v1/auth/me",
        "/API/v1/auth/me",
    ],
)
@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST"])
async def test_n223_no_spelling_of_a_path_gets_past_its_guard(
    door: WayIn, path: str, verb: str
) -> None:
    agent = {"user-agent": "kube-probe/1.30 GoogleHC/1.0"}
    answer = await door.client().request(verb, path, headers=agent)
    check_refusal(answer, statuses=[401, 404, 405])


async def test_n225_nothing_of_a_person_is_kept_by_a_cache(door: WayIn) -> None:
    await door.house.user(ADA)
    token = (await door.login(ADA, PASSWORD)).json()["access_token"]
    for suffix in ("", "/x.css", ".js", "%00.css", "/..;/a.png"):
        answer = await door.api("GET", f"/me{suffix}", token=token)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.status_code == (404 if suffix else 200)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (
            "/sign-in",
            ("login_hint", "email", "continue", "ui_locales", "error_description", "reauth"),
        ),
        ("/sign-up", ("login_hint", "email", "name", "continue")),
        ("/forgot-password", ("email",)),
        ("/verify-email", ("email", "continue")),
        ("/reset-password", ("token", "error")),
        ("/nothing", ("error", "state")),
    ],
)
async def test_n227_what_is_reflected_is_escaped(
    door: WayIn, path: str, fields: tuple[str, ...]
) -> None:
    client = door.client()
    page = await client.get(
        path, params=dict.fromkeys(fields, MARKUP), headers={"accept": "text/html"}
    )
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "49" not in page.text.partition("<body")[2].partition("csrf")[0]
    assert "unsafe-inline" not in page.headers["content-security-policy"]


async def test_n227_what_was_typed_comes_back_escaped(door: WayIn) -> None:
    browser = door.browser()
    page = await browser.open("/sign-up")
    fields = {"email": MARKUP, "name": MARKUP, "password": "short"}
    again = await browser.press(page, "sign-up-submit", fields)
    check_refusal(again, statuses=[422])
    assert "<script>alert" not in again.text
    assert "<img" not in again.text


@pytest.mark.parametrize(
    "body",
    [
        "email=ada@example.org&password={p};csrf={c}",
        "email[]=ada@example.org&password[]={p}&csrf={c}",
        "email=ada@example.org&email=eve@example.org&password={p}&csrf={c}",
        "email*=utf-8''ada@example.org&password={p}&csrf={c}",
        "email=ada%ZZexample.org&password={p}&csrf={c}",
        "email=%ff&password={p}&csrf={c}",
        "email=ada%00@example.org&password={p}&csrf={c}",
        "&".join(["a=1"] * 200) + "&email=ada@example.org&password={p}&csrf={c}",
    ],
)
async def test_n232_forms_are_read_one_way(door: WayIn, body: str) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    page = await browser.open("/sign-in")
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    before = await snapshot(door)
    answer = await browser.client.post(
        f"/sign-in?email={ADA}&password={PASSWORD}&csrf={csrf}",
        content=body.format(p=PASSWORD.replace(" ", "+"), c=csrf),
        headers={**browser.headers, "content-type": "application/x-www-form-urlencoded"},
    )
    check_refusal(answer, statuses=[400, 403, 422])
    assert await snapshot(door) == before


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "GZIP"])
@pytest.mark.parametrize("path", [f"{AUTH}/login", "/sign-in"])
async def test_n235_no_compressed_body(door: WayIn, path: str, encoding: str) -> None:
    answer = await door.client().post(path, content=b"x", headers={"content-encoding": encoding})
    check_refusal(answer, statuses=[415])


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"email":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" + b"1," * 5_000_000 + b"1]",
        b'{"email":"a","password":"b","claims":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
        b'{"email":"' + b"a" * 900_000 + b'","password":"b"}',
        b"\x00" * 100,
        b"\xff\xfe",
        b"NaN",
        b"1e999999",
        b"",
    ],
)
async def test_n236_no_json_is_too_deep_or_too_long(door: WayIn, content: bytes) -> None:
    client = door.client()
    for path in ("/login", "/register"):
        answer = await client.post(
            AUTH + path, content=content, headers={"content-type": "application/json"}
        )
        check_refusal(answer, statuses=[400, 413, 422])


@pytest.mark.parametrize("length", ["-1", "+5", "abc", "1e3", "9" * 40, "99999999999", "0x10"])
async def test_n238_a_length_that_is_none_is_refused(door: WayIn, length: str) -> None:
    headers = {"content-length": length, "content-type": "application/json"}
    answer = await door.client().post(f"{AUTH}/login", content=b"{}", headers=headers)
    check_refusal(answer, statuses=[400, 413])


async def test_n238_multipart_is_read_nowhere(door: WayIn) -> None:
    parts = b"--x\r\n" + b"A: b\r\n" * 1000 + b"\r\n\r\n--x--"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for path in ("/sign-in", f"{AUTH}/login"):
        answer = await door.client().post(path, content=parts, headers=headers)
        check_refusal(answer, statuses=[403, 415])


@pytest.mark.parametrize(
    "bad", ["a\x00@b.example", "a\ud800@b.example", "a" * 100_000 + "@b.example"]
)
async def test_n212_what_a_database_does_not_take_never_reaches_it(door: WayIn, bad: str) -> None:
    client = door.client()
    before = await snapshot(door)
    for path in ("/login", "/register", "/password/forgot", "/verify-email/resend"):
        for body in ({"email": bad, "password": PASSWORD}, {"email": ADA, "password": bad}):
            if path.endswith(("forgot", "resend")) and body["email"] == ADA:
                continue
            if path == "/register" and body["password"].startswith("aaaa"):
                continue
            sent = json.dumps(body)  # in ASCII: a lone surrogate travels as its escape
            headers = {"content-type": "application/json"}
            answer = await client.post(AUTH + path, content=sent, headers=headers)
            check_refusal(answer, statuses=[400, 401, 422])
    assert await snapshot(door) == before
