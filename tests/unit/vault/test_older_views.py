"""What older applications' reports read of a connection."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.migrations.older_views import VIEWS, statement_of
from limen.db.work import Work
from limen.vault.disconnect import disconnect
from tests.simulated import ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"


async def rows(vault: Vault, view: str, *columns: str) -> list[Any]:
    of = sa.table(view, *(sa.column(name) for name in ("tenant_id", *columns)))
    statement = sa.select(*(of.c[name] for name in columns))

    async def body(work: Work) -> list[Any]:
        return [tuple(row) for row in (await work.execute(statement)).all()]  # type: ignore[arg-type]  # a row is a tuple

    return await vault.run(body)


async def test_a_connection_is_seen_under_the_older_names(vault: Vault, engine_name: str) -> None:
    async def make(work: Work) -> None:
        for view in VIEWS:
            await work.execute(sa.text(statement_of(view, dialect=engine_name)))

    await vault.run(make)
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    columns = ("id", "user_id", "provider", "provider_user_id", "status")
    seen = await rows(vault, "oauth_integrations", *columns)
    assert seen == [(connection_id, ada.id, "google", ADA, "active")]
    [(integration, held, expires)] = await rows(
        vault, "oauth_tokens", "integration_id", "has_refresh_token", "expires_at"
    )
    assert (integration, bool(held), expires is None) == (connection_id, True, False)
    assert (CALENDAR,) in await rows(vault, "oauth_scopes", "scope")
    [(feature, granted)] = await rows(vault, "oauth_consents", "feature", "granted")
    assert (feature, bool(granted)) == ("calendar_read", True)
    actions = [action for (action,) in await rows(vault, "oauth_audit_log", "action")]
    assert "connection:account:connected" in actions
    assert not [action for action in actions if action.startswith("session")]
    await vault.leave(ada)
    assert await rows(vault, "oauth_state", "user_id", "provider") == [(ada.id, "google")]

    async def end(work: Work) -> None:
        await disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)

    await vault.run(end)
    assert await rows(vault, "oauth_integrations", "status") == [("disconnected",)]
