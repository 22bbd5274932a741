"""Whose certificates are believed beside the system's."""

from __future__ import annotations

import ssl
from pathlib import Path

from limen.kernel.errors import ConfigurationError


def add_bundle(context: ssl.SSLContext, bundle: Path) -> None:
    """Believe the authorities of a PEM file too.

    Raises:
        ConfigurationError: It can't be read, or holds none.
    """
    try:
        context.load_verify_locations(bundle)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"{bundle}: is not a readable PEM bundle.") from None


def check_bundle(bundle: Path) -> None:
    """Refuse a PEM file that ``add_bundle`` could not take.

    Raises:
        ConfigurationError: As ``add_bundle``.
    """
    add_bundle(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bundle)
