"""The line of a request."""

from __future__ import annotations

from typing import Final

from limen.observe.logs import write_plain

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def log_request(
    *, method: str, route: str, status: int, seconds: float, tenant: str = "", client: str = ""
) -> None:
    """Write one access line.

    There is no argument for a path or a query: paths carry capabilities (an interaction's
    handle, a mail link's token), queries carry codes and states. So nothing a stranger chose
    stands in the line: ``route`` is the template that matched, ``/api/v1/interactions/{id}``
    say, or empty; ``tenant`` the slug of a tenant that exists; ``client`` the address block.
    """
    write_plain(
        "access",
        "request",
        {
            "method": method if method in METHODS else "OTHER",
            "route": route or "(none)",
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "tenant": tenant,
            "client": client,
        },
    )
