"""The line of a request."""

from __future__ import annotations

from typing import Final, NamedTuple

from limen.observe.logs import write_plain

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Asked(NamedTuple):
    """Who asked whom, and what was answered instead; empty where nobody knows.

    Attributes:
        tenant: The slug of a tenant that exists.
        client: The address block of the caller.
        refusal: The code of a refusal, one of ``docs/error-codes.md``.
    """

    tenant: str = ""
    client: str = ""
    refusal: str = ""


_NOTHING_KNOWN: Final = Asked()


def log_request(
    *, method: str, route: str, status: int, seconds: float, asked: Asked = _NOTHING_KNOWN
) -> None:
    """Write one access line.

    There is no argument for a path or a query: paths carry capabilities (an interaction's
    handle, a mail link's token), queries carry codes and states. So nothing a stranger chose
    stands in the line: ``route`` is the template that matched, ``/api/v1/interactions/{id}``
    say, or empty.
    """
    write_plain(
        "access",
        "request",
        {
            "method": method if method in METHODS else "OTHER",
            "route": route or "(none)",
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "tenant": asked.tenant,
            "client": asked.client,
            "refusal": asked.refusal,
        },
    )
