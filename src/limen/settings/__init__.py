"""Settings: typed, frozen, one model per capability; the only reader of the environment.

- ``kinds``: durations, rates, secrets, lists and the outbound allow-list as they are written.
- ``sections``: one model per capability. ``model``: ``Settings``, all of them together.
- ``read``: ``load`` merges ``limen.toml`` and the environment and reports every problem at once.
- ``production``: what a production server refuses to start with.
"""

from limen.settings.kinds import Allowed, Rate
from limen.settings.model import Settings
from limen.settings.read import load

__all__ = ["Allowed", "Rate", "Settings", "load"]
