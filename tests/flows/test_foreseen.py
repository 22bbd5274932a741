"""What is read along with the look-up before it: that changes no answer."""

from __future__ import annotations

from typing import Any

import pytest

from limen.db.postgres import PostgresConnection
from limen.db.sqlite import SqliteConnection
from tests.flows.test_connections import BASE, connected
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE


TABLES = ("revoked_tokens", "token_releases", "passwords", "mfa_factors")


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Of each statement that reads one of some tables: which of them."""
    seen: list[set[str]] = []
    for engine in (SqliteConnection, PostgresConnection):
        original = engine.run

        async def run(
            connection: Any, sql: str, *a: Any, original: Any = original, **k: Any
        ) -> Any:
            read = {each for each in TABLES if f"limen_{each}" in sql}
            if read and sql.startswith("SELECT"):
                seen.append(read)
            return await original(connection, sql, *a, **k)

        monkeypatch.setattr(engine, "run", run)
    return seen


def expected(limen: Installation, first: set[str], second: set[str]) -> list[set[str]]:
    """Say what two look-ups read: at once where a round trip is dear."""
    is_dear = limen.application.runtime.works.dialect.name == "postgresql"
    return [first | second] if is_dear else [first, second]


async def test_token_and_connection_are_read_in_one_statement(
    limen: Installation, look_ups: list[set[str]]
) -> None:
    person, own, id_ = await connected(limen)
    first = await person.api("GET", f"{BASE}/{id_}/token", own)
    look_ups.clear()
    second = await person.api("GET", f"{BASE}/{id_}/token?min_ttl=60", own)
    assert second.json()["access_token"] == first.json()["access_token"]
    assert look_ups == expected(limen, {"revoked_tokens"}, {"token_releases"})


async def test_a_dead_token_gets_nothing_of_what_was_read_along(limen: Installation) -> None:
    person, own, id_ = await connected(limen)
    ended = await person.api("POST", "/api/v1/auth/logout", own)
    assert ended.status == 204
    refused = await person.api("GET", f"{BASE}/{id_}/token", own)
    assert (refused.status, "access_token" in refused.json()) == (401, False)


async def test_somebody_elses_connection_is_still_none(limen: Installation) -> None:
    _, _, id_ = await connected(limen)
    other, others, _ = await connected(limen)
    refused = await other.api("GET", f"{BASE}/{id_}/token", others)
    assert (refused.status, refused.json()["code"]) == (404, "connection_not_found")


async def test_the_tenants_connections_are_not_guessed_at(
    limen: Installation, look_ups: list[set[str]]
) -> None:
    person, own, id_ = await connected(limen)
    look_ups.clear()
    refused = await person.api("GET", f"{BASE}/{id_}/token?owner=tenant", own)
    assert refused.status == 403
    assert look_ups == [{"revoked_tokens"}]


async def test_a_second_factor_is_looked_for_where_the_password_is_held(
    limen: Installation, look_ups: list[set[str]]
) -> None:
    person = await limen.person()
    look_ups.clear()
    await limen.login(person)
    held = expected(limen, {"passwords"}, {"mfa_factors"})
    assert look_ups == [{"passwords"}, *held]
