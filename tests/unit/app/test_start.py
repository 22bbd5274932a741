"""What keeps a process from starting: it says so, and what to do (N259, N262)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from limen.app.compose import compose
from limen.app.runtime import Runtime, build_runtime
from limen.app.start import open_runtime, prepare
from limen.db.migrate import VERSION_TABLE, head
from limen.kernel.errors import ConfigurationError
from limen.settings import load

pytestmark = pytest.mark.anyio


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    config = tmp_path / "limen.toml"
    config.touch()
    environment = {"LIMEN_ENVIRONMENT": "development", "LIMEN_DATA_DIR": str(tmp_path)}
    return build_runtime(load(environment, config=config))


async def _refusal(runtime: Runtime) -> str:
    with pytest.raises(ConfigurationError) as refused:
        await open_runtime(runtime)
    return str(refused.value)


async def test_n259_an_older_process_does_not_touch_a_newer_database(
    runtime: Runtime, tmp_path: Path
) -> None:
    told: list[str] = []
    await prepare(runtime, told=told.append)
    assert "migrating the database" in told
    told.clear()
    await prepare(runtime, told=told.append)
    assert "migrating the database" not in told  # it is up to date: nothing is loaded for it
    with sqlite3.connect(tmp_path / "limen.db") as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    database.close()
    assert "newer than this version's" in await _refusal(runtime)
    with pytest.raises(ConfigurationError):
        await prepare(runtime)


async def test_nothing_starts_without_the_authorities_it_was_given(tmp_path: Path) -> None:
    config, bundle = tmp_path / "limen.toml", tmp_path / "ca.pem"
    config.touch()
    bundle.write_text("not a certificate")
    environment = {
        "LIMEN_ENVIRONMENT": "development",
        "LIMEN_DATA_DIR": str(tmp_path),
        "LIMEN_CA_BUNDLE": str(bundle),
    }
    application = compose(load(environment, config=config))
    with pytest.raises(ConfigurationError, match="is not a readable PEM bundle"):
        await application.start()
    await application.stop()


async def test_n259_a_newer_process_asks_for_the_migration(
    runtime: Runtime, tmp_path: Path
) -> None:
    assert "is at schema none" in await _refusal(runtime)
    await prepare(runtime)
    with sqlite3.connect(tmp_path / "limen.db") as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    database.close()
    refusal = await _refusal(runtime)
    assert f"this version needs {head()}" in refusal
    assert "limen migrate" in refusal
