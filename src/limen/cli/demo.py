"""``limen demo``: the tour, and the simulated providers by themselves."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from limen.cli.say import AsJson, tell
from limen.settings.sections import Port

group = typer.Typer(help="The tour; or the simulated providers by themselves.")


@group.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    *,
    own: Annotated[
        bool, typer.Option("--own", help="On a server of its own, even if one runs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the tour: sign up, obtain tokens, connect an account; each step says what it got.

    On the configured development server if it runs, otherwise on one of its own.
    """
    if context.invoked_subcommand is not None:
        return
    from limen.cli.tour.take import take  # noqa: PLC0415 -- loaded when it runs

    told = asyncio.run(take(own=own, quiet=as_json))
    tell({"steps": told}, as_json=as_json, words="\nThe tour is done.")


@group.command()
def providers(
    *,
    port: Annotated[Port, typer.Option(help="On this machine alone.")] = 9100,
) -> None:
    """Serve the simulated providers by themselves until told to stop."""
    from limen.cli.serving.simulated import serve_providers  # noqa: PLC0415 -- loaded when it runs

    asyncio.run(serve_providers(port=port))
