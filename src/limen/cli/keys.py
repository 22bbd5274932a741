"""``limen keys``: rotate the signing keys, wrap the sealing keys anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from limen.cli.inside import opened, read_settings, run_in_tenant
from limen.cli.say import AsJson, InTenant, progress, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Signing and sealing keys.", no_args_is_help=True)

_Algorithm = Literal["ES256", "RS256", "PS256", "EdDSA"]
_ALL: Final[tuple[_Algorithm, ...]] = ("ES256", "RS256", "PS256", "EdDSA")


@group.command()
def rotate(
    *,
    alg: Annotated[_Algorithm | None, typer.Option(help="Only this algorithm's.")] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Let the next signing key sign; the old one stays published as long as its tokens live."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.crypto.rotate_keys import rotate_keys  # noqa: PLC0415 -- loaded when it runs

        keyring = runtime.keyring
        held = {key.alg for key in await keyring.list_keys(work)}
        chosen = (alg,) if alg else tuple(each for each in _ALL if each in held)
        old = {each: (await keyring.active(work, each)).kid for each in chosen}
        rotated = [
            name
            for name, kid in old.items()
            if await rotate_keys(work, keyring=keyring, alg=name, away_from=kid)
        ]
        return {"rotated": rotated, "retired": list(old.values())}

    progress("making keys")
    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def rewrap(*, as_json: AsJson = False) -> None:
    """Wrap every sealing key under the newest key-encryption key; may be interrupted and rerun."""

    async def run() -> int:
        from limen.crypto.rewrap import rewrap as wrap_anew  # noqa: PLC0415 -- as above

        async with opened(read_settings()) as runtime:
            return await wrap_anew(
                runtime.works, runtime.keys, progress=lambda done: progress(f"{done} keys")
            )

    tell({"rewrapped": asyncio.run(run())}, as_json=as_json)
