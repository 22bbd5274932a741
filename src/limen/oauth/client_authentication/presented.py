"""What a request shows of the client that sent it, read from it before anything is believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limen.protocol.client_certificate import ClientCertificate
from limen.protocol.params import Params

Remember = Callable[[str, str, dt.datetime], Awaitable[bool]]
"""``(client_id, jti, until)``: remember an assertion for all nodes, and say whether it is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What the client sent.

    Args:
        authorization: The ``Authorization`` header, if there was one.
        params: The form.
        certificate: Of the TLS connection, told by a trusted proxy.
        path: The endpoint called, below the tenant's root: ``/oauth2/token`` say.
        remember: Whatever it says is durable, whether the request is refused or not.
    """

    authorization: str | None
    params: Params
    certificate: ClientCertificate | None
    path: str
    remember: Remember
