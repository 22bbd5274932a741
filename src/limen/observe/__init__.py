"""What operators see: logs and metrics, never secrets.

- ``redact``: what must not be shown, by name and by shape; control characters made visible (PURE).
- ``logs``: ``logger(name)`` and ``configure``; one event is one line.
- ``access_log``: the line of a request: route template and status, no path, no query.
- ``metrics``: counters and their text; ``metrics_port``: a port of their own.

Nothing here touches the global configuration of structlog or of ``logging`` unless
``configure(..., libraries=True)`` says so: an embedding host keeps its own.
"""

from limen.observe.access_log import Asked, log_request
from limen.observe.logs import configure, logger

__all__ = ["Asked", "configure", "log_request", "logger"]
