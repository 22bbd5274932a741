"""Ten workers and a fault at every point of a refresh, in an order drawn anew for each engine."""

from __future__ import annotations

import os

import pytest

from tests.refresh_faults import FAULTS, KINDS, POINTS, WHOLE, schedule, workers
from tests.vaults import Vault, house, simulated, vault

__all__ = ["house", "simulated", "vault"]

pytestmark = pytest.mark.anyio
SEEDS = range(int(os.environ.get("LIMEN_TEST_SCHEDULES", "1")))
"""Each is an order of its own; a soak takes many."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_f1_to_f9_no_fault_spends_twice_loses_or_ends_what_is_well(
    vault: Vault, database_url: str, engine_name: str, seed: int
) -> None:
    async with workers(vault, database_url) as made:
        await made.run(schedule(2 * seed + (engine_name == "sqlite")))


def test_every_point_and_fault_is_met_by_every_kind() -> None:
    assert len(set(WHOLE)) == len(KINDS) * (len(POINTS) + len(FAULTS))
    assert sorted(schedule(3)) == sorted(WHOLE)
    assert schedule(3) == schedule(3) != schedule(4)
