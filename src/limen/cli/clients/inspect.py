"""``limen client inspect``: why a request would be refused."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import find_tenant, opened, read_settings
from limen.cli.say import AsJson, InTenant, tell

if TYPE_CHECKING:
    from limen.oauth.inspect_request import Finding

_MARKS = {"passes": "ok", "refused": "NO", "not reached": "--"}


def inspect(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    request: Annotated[
        str, typer.Option(metavar="URL|QUERY", help="An authorization request.")
    ] = "",
    token_request: Annotated[
        str, typer.Option(metavar="FORM", help="The body of a token request; - reads it.")
    ] = "",
    authorization: Annotated[
        str, typer.Option(metavar="HEADER", help="The token request's Authorization header.")
    ] = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Run the checks of a request and tell each outcome; nothing is issued or used up.

    Exits with 1 if any check refuses.
    """
    if bool(request) == bool(token_request):
        raise typer.BadParameter("give --request or --token-request")
    findings = asyncio.run(
        _inspect(
            tenant,
            client_id=client_id,
            request=request,
            form=_given(token_request),
            authorization=authorization or None,
        )
    )
    refused = any(finding.outcome == "refused" for finding in findings)
    told: dict[str, Any] = {
        "refused": refused,
        "checks": [asdict(finding) for finding in findings],
    }
    tell(told, as_json=as_json, words="\n".join(map(_line, findings)))
    if refused:
        raise typer.Exit(1)


def _given(form: str) -> str:
    """Return a form; one with a secret is better read than given as an argument."""
    return sys.stdin.read().strip() if form == "-" else form


async def _inspect(
    slug: str, *, client_id: str, request: str, form: str, authorization: str | None
) -> list[Finding]:
    from limen.app.capabilities import build_oauth_parts  # noqa: PLC0415 -- loaded when it runs
    from limen.oauth.inspect_request import (  # noqa: PLC0415 -- as above
        inspect_authorization,
        inspect_token_request,
    )
    from limen.protocol.params import parse_params  # noqa: PLC0415 -- as above

    async with opened(read_settings()) as runtime:
        site = await find_tenant(runtime, slug)
        parts = build_oauth_parts(runtime)
        if request:
            query = request.partition("?")[2] if "?" in request else request
            return await inspect_authorization(
                runtime.works,
                site,
                parts=parts,
                client_id=client_id,
                params=parse_params(query.partition("#")[0].encode()),
            )
        return await inspect_token_request(
            runtime.works,
            site,
            parts=parts,
            client_id=client_id,
            params=parse_params(form.encode()),
            authorization=authorization,
        )


def _line(finding: Finding) -> str:
    line = f"{_MARKS[finding.outcome]}  {finding.check}"
    if finding.code:
        return f"{line}: {finding.code}. {finding.reason}"
    return f"{line}: {finding.reason}" if finding.reason else line
