"""Limen inside a host's FastAPI application.

``Limen(settings, identify=…, engine=…, on_event=…).mount(app, path="/auth")`` serves everything
under the path and the well-known documents at the host's root, and runs with the host's
lifespan. ``current_user`` and ``require_scope`` guard the host's own routes; ``connections`` are
the calls of ``limen.client``, without a socket.

- ``limen``: the class. ``mounting``: the host's routes and lifespan.
- ``guards``: who asks, for the host's routes. ``host_people``: the host's users as people here.
- ``local_caller``: who asks, when the host's own code calls us.
"""

from limen.accounts.adopt_host_user import HostUser
from limen.embed.limen import Limen

__all__ = ["HostUser", "Limen"]
