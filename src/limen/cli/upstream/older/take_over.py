"""Read an older application's tables with what has to be known here to understand them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limen.cli.upstream.older.columns import check_columns
from limen.cli.upstream.older.consents import Offered
from limen.cli.upstream.older.lines import Rows
from limen.cli.upstream.older.read import read_older
from limen.cli.upstream.older.unseal import Unsealer
from limen.kernel.errors import InvalidInput, Refusal
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.tenants.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the tables are.

    Args:
        people: The table of the application's people.
        key_file: What its tokens are encrypted under; our own master key if there is none,
            which may have been taken over from there as ``OAUTH_ENCRYPTION_KEY``.
        renamed: Providers that have another name here.
        any_account: Not to compare the accounts it names with what the providers say.
    """

    url: str
    people: str = ""
    key_file: Path | None = None
    renamed: Mapping[str, str]
    any_account: bool = False


async def take_over(runtime: Runtime, site: Tenant, source: Source) -> Rows:
    """Return the tables, ready to be made lines of.

    Raises:
        InvalidInput, Unavailable: As ``read_older`` and ``check_columns``; ``older_key``.
    """
    older = await read_older(source.url, people=source.people)
    check_columns(older)
    rows = Rows(
        older=older,
        unsealer=_unsealer(runtime, source),
        offered={},
        renamed=source.renamed,
        any_account=source.any_account,
    )
    names = {rows.provider_of(row) for row in older.rows["oauth_integrations"]}

    async def body(work: Work) -> dict[str, Offered]:
        return await _offered(runtime, work, names)

    rows.offered = await runtime.works.run(site, body)
    return rows


async def _offered(runtime: Runtime, work: Work, names: set[str]) -> dict[str, Offered]:
    from limen.federation.upstream_clients import (  # noqa: PLC0415 -- loaded when it runs
        get_upstream_client,
    )
    from limen.vault.features.offered import features_at  # noqa: PLC0415 -- as above

    found: dict[str, Offered] = {}
    for name in sorted(names):
        try:
            client = await get_upstream_client(work, runtime.envelope, provider=name)
            provider = runtime.vault.catalogue.get(name, client.config)
        except Refusal:
            continue  # each of its lines is told so
        features = await features_at(work, provider, provider_id=name)
        found[name] = Offered(
            scopes_of={
                each: frozenset(provider.normalise(feature.scopes))
                for each, feature in features.items()
            },
            normalise=provider.normalise,
        )
    return found


def _unsealer(runtime: Runtime, source: Source) -> Unsealer:
    if source.key_file is None:
        try:
            return Unsealer(runtime.settings.keys.master_key)
        except InvalidInput:
            return Unsealer(None)  # ours is written in another way, and never was theirs
    return Unsealer(Secret(source.key_file.read_text("ascii").strip()))
