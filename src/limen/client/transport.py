"""How a call reaches the server: what both ways have in common."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from limen.client.refusals import Unreachable, refusal_of
from limen.kernel.actor import Actor
from limen.kernel.secret import Secret

FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Args:
        path: Below the tenant's root, percent-encoded, with its query.
        headers: Lower-case names.
        actor: Who asks, in process; nobody over HTTP.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return what a good answer says.

        Raises:
            Refused: What the refusal is, typed.
        """
        try:
            told = json.loads(self.body) if self.body else {}
        except ValueError:
            raise Unreachable("unreadable", "The answer is no JSON.", status=self.status) from None
        if self.status < 300:
            return told
        said = told if isinstance(told, dict) else {}
        # RFC 9457 problems carry ``code``; RFC 6749 errors ``error``, and ours where it is closer.
        code = said.get("code") or said.get("limen_code") or said.get("error") or "refused"
        detail = said.get("detail") or said.get("error_description") or ""
        raise refusal_of(
            str(code), str(detail), status=self.status, retry_after=_retry_after(self.headers)
        )


class Transport(Protocol):
    """Sends calls to one server, for one tenant of it."""

    @property
    def issuer(self) -> str:
        """The tenant's, without a slash at its end."""
        ...

    async def send(self, call: Call) -> Answer:
        """Return the answer, whatever its status.

        Raises:
            Unreachable: There was none.
            Unauthorized: Who asks can't be said this way.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


def bearer(raw: Secret[str] | None) -> dict[str, str]:
    """Return the header of a token."""
    return {} if raw is None else {"authorization": f"Bearer {raw.reveal()}"}


def basic(client_id: str, secret: Secret[str]) -> dict[str, str]:
    """Return the header of a client, as RFC 6749 section 2.3.1 wants it."""
    pair = f"{quote(client_id, safe='')}:{quote(secret.reveal(), safe='')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def with_query(path: str, **query: object) -> str:
    """Return a path with what of a query is not empty."""
    said = {name: value for name, value in query.items() if value not in {"", None, 0}}
    return f"{path}?{urlencode(said)}" if said else path


def _retry_after(headers: Mapping[str, str]) -> int | None:
    told = headers.get("retry-after", "")
    return int(told[:9]) if told.isascii() and told.isdecimal() else None
