"""``limen serve``: the server."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from limen.cli.say import progress
from limen.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from limen.settings import Settings


def serve(
    *,
    worker: Annotated[str, typer.Option(hidden=True, metavar="SOCKET:LIFELINE")] = "",
) -> None:
    """Serve pages, protocol and API until told to stop.

    In development it brings the installation up to date first and prints the administrator's
    password, once. In production it refuses to start until ``limen migrate`` has run.
    """
    from limen.observe import configure  # noqa: PLC0415 -- loaded when it runs
    from limen.settings import load  # noqa: PLC0415 -- as above

    settings = load()
    configure(settings.log, libraries=True)
    if worker:
        from limen.cli.serving.one_process import run_worker  # noqa: PLC0415 -- as above

        run_worker(settings, told=worker)
        return
    with _listen(settings) as listening:
        if settings.is_development:
            _prepare(settings)
        _welcome(settings)
        if settings.workers > 1:
            from limen.cli.serving.supervise import supervise  # noqa: PLC0415 -- as above

            raise typer.Exit(supervise(listening, workers=settings.workers))
        from limen.cli.serving.one_process import run_one  # noqa: PLC0415 -- as above

        run_one(settings, listening=listening)


def _listen(settings: Settings) -> socket.socket:
    """Take the port first: whoever can't have it should hear so before anything is changed."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"Port {settings.port} of {settings.host} can't be had: {error.strerror}."
        ) from None
    return listening


def _prepare(settings: Settings) -> None:
    from limen.app.runtime import build_runtime  # noqa: PLC0415 -- loaded when it runs
    from limen.app.start import prepare  # noqa: PLC0415 -- as above

    prepared = asyncio.run(prepare(build_runtime(settings), told=progress))
    made = prepared.administrator
    if made is not None:
        print(f"\nAdministrator  {made.email}")
        print(f"Password       {made.raw_password.reveal()}   (shown once)\n", flush=True)


def _welcome(settings: Settings) -> None:
    if not settings.is_development:
        return
    print(f"Limen at       {settings.base_url}")
    print(f"API            {settings.base_url}/docs")
    if settings.development.mailbox:
        print(f"Mailbox        {settings.base_url}/dev/mail")
    print(flush=True)
