"""Options that the commands of the audit log share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

Since = Annotated[
    dt.datetime | None, typer.Option(metavar="DATE", help="From this moment on, in UTC.")
]
Until = Annotated[dt.datetime | None, typer.Option(metavar="DATE", help="Before it, in UTC.")]


def in_utc(moment: dt.datetime | None) -> dt.datetime | None:
    """Return a moment given on the command line, which is in UTC."""
    return None if moment is None else moment.replace(tzinfo=dt.UTC)
