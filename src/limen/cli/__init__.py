"""The command line: ``limen serve``, ``worker``, ``migrate``, ``doctor``, ``demo`` and the rest.

- ``program``: all commands in one list literal, and how their errors are told.
- ``inside``: open the installation, run one use case in one tenant as the operator.
- ``collector``: the garbage collector at the start of a process.
- ``say``: results as words or, with ``--json``, as one line of JSON.
- One file per noun: ``clients``, ``users``, ``tenants``, ``keys``, ``resources``, ``providers``,
  ``webhooks``.
- ``serve`` and ``worker`` (with ``serving``), ``migrate``, ``doctor`` (with ``checkup``), ``demo``
  (with ``tour``).

What a command needs it imports when it runs: ``limen --help`` loads no database and no web
framework, and a server starts within its budget.
"""

from __future__ import annotations

import sys

from limen.cli import collector


def main() -> None:
    """Run the command that the arguments name; the entry point."""
    collector.rest()
    # structlog would load it, for tracebacks that are not drawn here: 5 MB in every process.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # so says importlib: not to be had
    from limen.cli.program import run  # noqa: PLC0415 -- while the collector rests

    sys.exit(run(sys.argv[1:]))
