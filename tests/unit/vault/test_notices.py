"""What receivers of webhooks are told of connections: enough to know which, and whose."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from limen.app.notices import NOTICES
from limen.vault import notices
from limen.vault.disconnect import disconnect
from limen.vault.listing import ADVICE
from limen.vault.push.told import Reason
from limen.webhooks.model import KINDS
from tests.simulated import ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio


def test_every_notice_is_of_a_type_that_can_be_asked_for() -> None:
    told = {kind for telling in NOTICES.values() for kind in telling.kinds}
    assert told <= set(KINDS)
    assert {"provider.failing", "provider.recovered"} <= told


def test_the_guide_says_when_each_type_is_sent() -> None:
    guide = Path(__file__).parents[3] / "docs" / "guides" / "webhooks.md"
    lines = [line for line in guide.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = dict(line[2:-2].split(" | ", 1) for line in lines)
    assert told == {f"`{kind}`": when for kind, when in KINDS.items()}


def test_whatever_ends_a_connection_comes_with_advice() -> None:
    ours = {"refused_by_provider", "interaction_required", "lost_rotation", "client_replaced"}
    assert {*ours, *get_args(Reason)} <= set(ADVICE)


async def test_an_end_is_told_with_whose_it_was_and_what_becomes_of_it(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    event = await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=ada,
    )
    await vault.outbox()
    [ended] = await vault.run(lambda work: notices.disconnected(work, event))
    assert (ended.data["connection_id"], ended.data["user_id"]) == (connection_id, ada.id)
    [receipt] = vault.named("connection:grant:revoked")
    [revoked] = await vault.run(lambda work: notices.revoked(work, receipt))
    assert revoked.data["grant_id"] == ended.data["grant_id"]
    assert revoked.data["receipt"] == "revoked"
