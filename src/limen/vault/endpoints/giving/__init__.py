"""Credentials of people's own over JSON: given, replaced, asked about.

- ``routes``: the routes. ``schemas``: what they take.
"""

from limen.vault.endpoints.giving.routes import add_giving

__all__ = ["add_giving"]
