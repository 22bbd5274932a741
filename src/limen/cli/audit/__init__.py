"""``limen audit``: who did what; prove that nobody changed it; take it along with its proof."""

from __future__ import annotations

import typer

from limen.cli.audit import keys, prove, read

group = typer.Typer(help="The audit log and its seals.", no_args_is_help=True)
group.command("verify")(prove.verify)
group.command("search")(read.search)
group.command("export")(read.export)
group.command("keys")(keys.show)
group.command("rotate-key")(keys.rotate)
