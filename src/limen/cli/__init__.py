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
from typing import Final

from limen.cli import collector

_NOT_NEEDED: Final = ("rich", "greenlet")


def _import_structlog_alone() -> None:
    """Import structlog without what it uses if it is there: 7 MB in every process.

    It would draw tracebacks with the one, and keep variables by thread with the other.
    """
    absent = [name for name in _NOT_NEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # so importlib is told: not to be had
    import structlog  # noqa: F401, PLC0415 -- as it says

    for name in absent:
        del sys.modules[name]


def main() -> None:
    """Run the command that the arguments name; the entry point."""
    collector.rest()
    _import_structlog_alone()
    from limen.cli.program import run  # noqa: PLC0415 -- while the collector rests

    sys.exit(run(sys.argv[1:]))
