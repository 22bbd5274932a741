"""All commands, and how their errors are told."""

from __future__ import annotations

from typing import Final

import typer
from typer.exceptions import TyperException

from limen.cli import (
    audit,
    clients,
    demo,
    doctor,
    issuers,
    keys,
    migrate,
    outbox,
    resources,
    serve,
    tenants,
    tokens,
    users,
    webhooks,
    worker,
)
from limen.cli.machines import api_keys, service_accounts
from limen.cli.say import complain
from limen.cli.upstream import connections, providers
from limen.kernel.errors import ConfigurationError, Refusal
from limen.observe import logger

_INTERRUPTED: Final = 130
_LOG: Final = logger("limen.cli")

program = typer.Typer(
    name="limen",
    help="Accounts, an OAuth 2.1 / OpenID Connect server and a token vault.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for command in (serve.serve, worker.worker, migrate.migrate, doctor.doctor):
    program.command()(command)

for name, group in (
    ("demo", demo.group),
    ("client", clients.group),
    ("user", users.group),
    ("tenant", tenants.group),
    ("keys", keys.group),
    ("resource", resources.group),
    ("service-account", service_accounts.group),
    ("api-key", api_keys.group),
    ("provider", providers.group),
    ("connection", connections.group),
    ("token", tokens.group),
    ("issuer", issuers.group),
    ("webhook", webhooks.group),
    ("outbox", outbox.group),
    ("audit", audit.group),
):
    program.add_typer(group, name=name)


def run(arguments: list[str]) -> int:
    """Run one command and return the exit status.

    0 done; 1 refused, or the installation is not in order; 2 the arguments are wrong. What went
    wrong is one clear line an error on standard error, with ``--json`` as JSON.
    """
    as_json = "--json" in arguments
    try:
        status = program(arguments, standalone_mode=False)
    except TyperException as error:
        complain(error.format_message().replace("Value error, ", ""), as_json=as_json, code="usage")
        return error.exit_code
    except Refusal as refusal:
        complain(_told(refusal), as_json=as_json, code=refusal.code)
        return 1
    except ConfigurationError as error:
        complain(*error.problems, as_json=as_json, code="configuration")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except OSError as error:
        return _lost(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 -- the edge: a defect too is told in one line
        _LOG.exception("unexpected fault")
        complain(f"Unexpected fault: {type(error).__name__}.", as_json=as_json, code="fault")
        return 1
    return status if isinstance(status, int) else 0


def _lost(error: OSError, *, as_json: bool) -> int:
    """Tell of a file, a database or a reader that is gone."""
    if not isinstance(error, BrokenPipeError):  # then whoever read our output has seen enough
        where = f"{error.filename}: " if error.filename else ""
        told = f"{where}{error.strerror or type(error).__name__}."
        complain(told, as_json=as_json, code="unavailable")
    return 1


def _told(refusal: Refusal) -> str:
    where = f"{refusal.field}: " if refusal.field else ""
    return f"{where}{refusal.public.removeprefix(where)}"  # some name it themselves
