"""The keys that sign the audit log's seals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work


def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List the ids of the keys that sign, or signed, seals: what an export is compared with."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.audit.seals.keys import list_keys  # noqa: PLC0415 -- loaded when it runs

        return {"keys": [each.shown() for each in await list_keys(work, runtime.envelope)]}

    result = run_in_tenant(tenant, body)
    words = "\n".join(
        f"{each['kid']}  since {each['since']}  {'signs' if each['signs'] else 'signed'}"
        + ("" if each["ours"] else "  NOT OURS")
        for each in result["keys"]
    )
    tell(result, as_json=as_json, words=words or "No keys: nothing was sealed yet.")


def rotate(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Let another key sign from now on; it happens by itself once a year."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.audit.seals.keys import rotate_present_key  # noqa: PLC0415 -- loaded when it runs

        return {"kid": await rotate_present_key(work, runtime.envelope)}

    tell(run_in_tenant(tenant, body), as_json=as_json)
