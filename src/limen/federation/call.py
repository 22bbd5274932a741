"""Ask one operation of a provider: our authentication, its format, an answer with bounds."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from limen.federation.provider import Operation, Provider, ProviderAnswer
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Answer, Net

_MAX_ANSWER_BYTES: Final = 256 * 1024
_DEADLINE_SECONDS: Final = 8.0
_MAX_RETRY_AFTER_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAtProvider:
    """Who we are at a provider.

    Args:
        client_id: As registered there.
        secrets: Valid ones, newest first; tried in order when one is refused (F20).
    """

    client_id: str
    secrets: tuple[Secret[str], ...]


async def call(
    net: Net,
    operation: Operation,
    *,
    params: Mapping[str, str],
    client: ClientAtProvider | None = None,
    secret: Secret[str] | None = None,
    raw_bearer: Secret[str] | None = None,
) -> ProviderAnswer:
    """Send one request and read the answer; never retries and never follows redirects.

    Args:
        net: The one way out.
        operation: Where and how.
        params: What is asked, tokens included.
        client: Who we are, for operations that want client authentication.
        secret: The one of its secrets to use.
        raw_bearer: A token for operations that want one instead.

    Raises:
        ProviderUnavailable: No answer; unless ``sent`` is false nobody knows what it did.
        NetRefused: The URL is not one that may be called; nothing was sent.
    """
    headers = {"Accept": "application/json", **operation.headers}
    fields = {**operation.params, **params}
    if client is not None:
        _authenticate(operation, client, secret, headers=headers, fields=fields)
    if raw_bearer is not None:
        headers["Authorization"] = f"Bearer {raw_bearer.reveal()}"
    body = None
    if operation.method == "POST":
        headers["Content-Type"], body = _encode(operation, fields)
    answer = await net.fetch(
        operation.method,
        operation.url,
        headers=headers,
        body=body,
        deadline_seconds=_DEADLINE_SECONDS,
        max_bytes=_MAX_ANSWER_BYTES,
    )
    return read_answer(answer)


async def call_as_client(
    net: Net,
    provider: Provider,
    operation: Operation,
    *,
    params: Mapping[str, str],
    client: ClientAtProvider,
) -> ProviderAnswer:
    """Ask with each of our secrets in turn until one is not refused as ours.

    A refused client has consumed neither code nor refresh token, so that asking again with
    another secret redeems nothing twice.
    """
    answer = ProviderAnswer(status=401, members={"error": "invalid_client"}, is_object=True)
    for secret in client.secrets:
        answer = await call(net, operation, params=params, client=client, secret=secret)
        if provider.classify(answer) != "client_broken":
            break
    return answer


def read_answer(answer: Answer) -> ProviderAnswer:
    """Read an answer as JSON, whatever its content type claims; HTML and arrays are no object."""
    try:
        members = answer.json_object()
        is_object = True
    except ProviderUnavailable:
        members, is_object = {}, False
    return ProviderAnswer(
        status=answer.status,
        members=members,
        is_object=is_object,
        retry_after_seconds=_retry_after(answer.headers.get("retry-after")),
    )


def _authenticate(
    operation: Operation,
    client: ClientAtProvider,
    secret: Secret[str] | None,
    *,
    headers: dict[str, str],
    fields: dict[str, str],
) -> None:
    raw = "" if secret is None else secret.reveal()
    match operation.client_auth:
        case "basic":
            # RFC 6749 section 2.3.1: both halves are form-encoded before Basic joins them.
            pair = f"{quote(client.client_id, safe='')}:{quote(raw, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        case "post":
            fields["client_id"] = client.client_id
            fields["client_secret"] = raw
        case "none":
            fields["client_id"] = client.client_id


def _encode(operation: Operation, fields: Mapping[str, str]) -> tuple[str, bytes]:
    if operation.body == "json":
        return "application/json", json.dumps(fields).encode()
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _retry_after(raw: str | None) -> int | None:
    """Read seconds; a date is not worth a parser, and an absurd number is no reason to stop."""
    if raw is None or not (raw.isascii() and raw.isdecimal()):
        return None
    return min(int(raw[:9]), _MAX_RETRY_AFTER_SECONDS)
