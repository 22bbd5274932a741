"""The rules that hold after every case, whatever it was about (O1, O2, O4, O5)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from limen.testing.visitor import Page
from tests.installation import Installation, Seen

_LEAKS: Final = (
    *("Traceback", 'File "', "site-packages", "sqlalchemy", "asyncpg", "sqlite3"),
    *("SELECT ", "INSERT INTO", "UPDATE limen_", "limen_", "uvicorn", "starlette", "pydantic"),
)
_JSON_ERRORS: Final = ("application/problem+json", "application/json")


def check_answers(limen: Installation) -> None:
    """Check every answer that was given, and forget them."""
    seen, limen.seen[:] = list(limen.seen), []
    for one in seen:
        where = f"{one.method} {one.page.url} -> {one.page.status}: {one.page.text[:300]}"
        _check_kept_quiet(limen, one.page, where)
        if one.page.status >= 400:
            _check_refusal(one, where)
        if "location" in one.page.headers:
            _check_location(limen, one.page, where)
        if one.page.headers.get("content-type", "").startswith("text/html"):
            _check_page(one.page, where)


def _check_kept_quiet(limen: Installation, page: Page, where: str) -> None:
    """O1, O4: nothing of our insides, and no secret but to whom it was given."""
    if _is_simulated(page):
        return
    assert "server" not in page.headers, where
    if page.status < 400:
        return
    for leak in _LEAKS:
        assert leak not in page.text, (leak, where)
    for secret in limen.secrets:
        assert secret not in page.text, where


def _check_refusal(one: Seen, where: str) -> None:
    """O1, O2: typed, kept by nobody, and challenged where a header was tried."""
    page = one.page
    if _is_simulated(page):
        return
    assert page.status < 500 or page.status in {502, 503}, where
    assert page.headers["cache-control"] == "no-store", where
    if page.status == 503:
        assert int(page.headers["retry-after"]) <= 10, where
    kind = page.headers.get("content-type", "")
    if kind.startswith("text/html"):
        assert page.has("error-code") or "<form" in page.text, where
    elif one.method != "HEAD":
        assert kind in _JSON_ERRORS, where
        _check_typed(page.json(), where)
    if page.status == 401 and any(name.lower() == "authorization" for name in one.headers):
        assert "www-authenticate" in page.headers, where


def _check_typed(body: Any, where: str) -> None:
    code = body.get("error") or body.get("code")
    assert isinstance(code, str), where
    assert code.replace("_", "").isalnum(), where


def _check_location(limen: Installation, page: Page, where: str) -> None:
    """O5: a redirect leads to ourselves, or to somebody who is registered."""
    assert page.status in {201, 302 if _is_simulated(page) else 303}, where
    target = urlsplit(page.headers["location"])
    if target.netloc or target.scheme:
        origin = f"{target.scheme}://{target.netloc}"
        assert origin in limen.origins | {limen.root}, where


def _check_page(page: Page, where: str) -> None:
    """N181, N182, N227: no frame, no foreign script, whatever the page."""
    if _is_simulated(page):
        return
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy, where
    assert "unsafe-inline" not in policy.partition("style-src")[0], where
    assert page.headers["x-frame-options"] == "DENY", where
    assert page.headers["referrer-policy"] == "same-origin", where
    assert page.headers["x-content-type-options"] == "nosniff", where


def _is_simulated(page: Page) -> bool:
    return "/dev/providers/" in page.url
