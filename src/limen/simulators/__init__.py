"""Providers that behave like the vendors, offline: for development, demonstration and tests.

Real ASGI applications with the quirks seen in the field, an injected clock, and a
control endpoint that makes them misbehave and tells what they saw.

- ``serve``: all simulators under one application. ``vendor``: any vendor of the catalogue.
- ``state``: what a simulated provider remembers, in memory or in a file several processes share.
- ``misbehave``: faults and lies on demand. ``control``: ``GET`` and ``POST …/_control``.
- ``consent``: the pages a person clicks through. ``drive``: clicks through them for a program.

Never mounted in production: the control endpoint asks nobody's leave.
"""

from limen.simulators.serve import providers

__all__ = ["providers"]
