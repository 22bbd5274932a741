"""``limen migrate``: bring the installation up to this version."""

from __future__ import annotations

import asyncio
from typing import Any

from limen.cli.inside import read_settings
from limen.cli.say import AsJson, progress, tell


def migrate(*, as_json: AsJson = False) -> None:
    """Migrate the database, make the keys and the default tenant where they are missing."""

    async def run() -> dict[str, Any]:
        from limen.app.runtime import build_runtime  # noqa: PLC0415 -- loaded when it runs
        from limen.app.start import prepare  # noqa: PLC0415 -- as above

        prepared = await prepare(build_runtime(read_settings()), told=progress)
        made = prepared.administrator
        result: dict[str, Any] = {"revision": prepared.revision}
        if made is not None:
            result |= {"administrator": made.email, "password": made.raw_password.reveal()}
        return result

    tell(asyncio.run(run()), as_json=as_json)
