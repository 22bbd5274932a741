"""``limen audit verify``: whether anything was altered, taken away, added or moved."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from limen.cli.audit.options import Since, in_utc
from limen.cli.inside import find_tenant, opened, read_settings
from limen.cli.say import AsJson, progress, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.audit.seals.check import Report
    from limen.tenants.tenant import Tenant

_EVERY: Final = 1000
_OfTenant = Annotated[
    str, typer.Option("--tenant", metavar="SLUG", help="Only this one; all, unless given.")
]
_Export = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="An export instead; no installation needed."),
]
_Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Lines the servers wrote: their seals as well."),
]
_Kids = Annotated[
    list[str] | None,
    typer.Option("--kid", metavar="KID", help="With --file: who may have signed; say again."),
]


def verify(
    *,
    tenant: _OfTenant = "",
    since: Since = None,
    file: _Export = None,
    log: _Log = None,
    kid: _Kids = None,
    as_json: AsJson = False,
) -> None:
    """Compare every sealed event with its seal and every seal with its neighbours.

    Names what does not fit, segment and event, and exits with 1 then.
    """
    if file is not None:
        reports = {"": _of_file(file, kids=frozenset(kid or ()))}
    else:
        reports = asyncio.run(_of_chains(tenant, since=in_utc(since), log=log))
    whole = all(report.is_whole for report in reports.values())
    shown = [_shown(slug, report) for slug, report in reports.items()]
    words = "\n".join(_words(slug, report) for slug, report in reports.items())
    tell({"whole": whole, "chains": shown}, as_json=as_json, words=words or "No tenants.")
    if not whole:
        raise typer.Exit(1)


def _of_file(file: Path, *, kids: frozenset[str]) -> Report:
    from limen.audit.seals.verify_export import verify_export  # noqa: PLC0415 -- loaded when it runs

    with _opened(file) as lines:
        return verify_export(
            lines, kids=kids, progress=lambda done, of: progress(f"{done} segments, {of} lines")
        )


async def _of_chains(
    slug: str, *, since: dt.datetime | None, log: Path | None
) -> dict[str, Report]:
    async with opened(read_settings()) as runtime:
        tenants = [await find_tenant(runtime, slug)] if slug else await runtime.directory.all()
        return {each.slug: await _of_chain(runtime, each, since=since, log=log) for each in tenants}


async def _of_chain(
    runtime: Runtime, tenant: Tenant, *, since: dt.datetime | None, log: Path | None
) -> Report:
    from limen.audit.seals.against_log import compare_with_log  # noqa: PLC0415 -- loaded when it runs
    from limen.audit.seals.verify import verify_chain  # noqa: PLC0415 -- as above

    def tell_progress(done: int, of: int) -> None:
        if done % _EVERY == 0:
            progress(f"{tenant.slug}: segment {done} of {of}")

    report = await verify_chain(
        runtime.works, runtime.envelope, tenant, since=since, progress=tell_progress
    )
    if log is not None:
        with _opened(log) as lines:
            compared = await compare_with_log(runtime.works, tenant, lines, report=report)
        progress(f"{tenant.slug}: {compared} seals of the log stream compared")
    return report


def _shown(slug: str, report: Report) -> dict[str, Any]:
    return {
        "tenant": slug or None,
        "tenant_id": report.tenant_id,
        "whole": report.is_whole,
        "first_segment": report.first_segment,
        "last_segment": report.last_segment,
        "events": report.events,
        "unsealed": report.unsealed,
        "dropped_through": report.dropped_number,
        "keys": list(report.kids),
        "findings": report.count,
        "first": [
            {
                "code": each.code,
                "segment": each.segment,
                "number": each.number,
                "event_id": each.event_id,
                "detail": each.words,
            }
            for each in report.findings
        ],
    }


def _words(slug: str, report: Report) -> str:
    name = slug or report.tenant_id or "export"
    span = f"segments {report.first_segment} to {report.last_segment}"
    lines = [f"{name}: {span}, {report.events} events fit, {report.unsealed} wait for their seal"]
    if report.dropped_number:
        lines.append(f"{name}: events up to {report.dropped_number} were dropped, as set")
    if not slug and report.kids:
        lines.append(f"{name}: signed by {' '.join(report.kids)}; compare `limen audit keys`")
    lines += [f"{name}: {each.words}" for each in report.findings]
    if report.count > len(report.findings):
        lines.append(f"{name}: and {report.count - len(report.findings)} more")
    return "\n".join([*lines, f"{name}: {'whole' if report.is_whole else 'NOT WHOLE'}"])


@contextmanager
def _opened(file: Path) -> Iterator[Iterator[str]]:
    with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        yield lines
