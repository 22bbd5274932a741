"""A provider that behaves like Notion.

HTTP Basic and JSON in every operation; no ``expires_in`` and no ``scope`` in answers; refresh
tokens that rotate; a key (``bot_id``) per installation; revocation only with a
``Notion-Version``; reconnecting the same installation ends the older connection's tokens.
"""

from limen.simulators.notion.app import notion

__all__ = ["notion"]
