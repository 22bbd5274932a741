"""Ask one operation of a provider: our authentication, its format, an answer with bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from limen.federation.clients.credentials import ClientAtProvider, Credential, present
from limen.federation.provider import OK, Operation, Provider, ProviderAnswer
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.foreign_json import parse_json
from limen.kernel.secret import Secret
from limen.net import Answer, Net
from limen.net.retry_after import read_retry_after

__all__ = [
    "AccessRefused",
    "ClientAtProvider",
    "ask_about_token",
    "ask_documents",
    "call",
    "call_as_client",
    "read_answer",
]

_MAX_ANSWER_BYTES: Final = 256 * 1024
_DEADLINE_SECONDS: Final = 8.0
_MAX_RETRY_AFTER_SECONDS: Final = 24 * 3600
_MAX_FORM_FIELDS: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"
_REFUSED: Final = frozenset({401, 403})


async def call(
    net: Net,
    operation: Operation,
    *,
    params: Mapping[str, str],
    client: ClientAtProvider | None = None,
    credential: Credential | None = None,
    raw_bearer: Secret[str] | None = None,
) -> ProviderAnswer:
    """Send one request and read the answer; never retries and never follows redirects.

    Args:
        net: The one way out.
        operation: Where and how.
        params: What is asked, tokens included.
        client: Who we are, for operations that want client authentication.
        credential: The one of its secrets or keys to use.
        raw_bearer: A token for operations that want one instead.

    Raises:
        ProviderUnavailable: No answer; unless ``sent`` is false nobody knows what it did.
        NetRefused: The URL is not one that may be called; nothing was sent.
    """
    headers = {"Accept": "application/json", **operation.headers}
    fields = {**operation.params, **params}
    if client is not None:
        presented = present(operation, client, credential)
        headers |= presented.headers
        fields |= presented.fields
    if raw_bearer is not None:
        headers["Authorization"] = f"Bearer {raw_bearer.reveal()}"
    url, body = operation.url, None
    if operation.method == "GET":
        url = _with_query(url, fields)
    elif fields:
        headers["Content-Type"], body = _encode(operation, fields)
    answer = await net.fetch(
        operation.method,
        url,
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
    """Ask with each of our credentials in turn until one is not refused as ours.

    A refused client has consumed neither code nor refresh token, so that asking again with
    another secret redeems nothing twice.
    """
    answer = ProviderAnswer(status=401, members={"error": "invalid_client"}, is_object=True)
    for credential in client.credentials:
        answer = await call(net, operation, params=params, client=client, credential=credential)
        if provider.classify(answer) != "client_broken":
            break
    return answer


async def ask_about_token(
    net: Net,
    provider: Provider,
    operation: Operation,
    *,
    raw_token: Secret[str],
    client: ClientAtProvider,
    params: Mapping[str, str] | None = None,
) -> ProviderAnswer:
    """Ask an operation whose subject is a token: revoke it, introspect it, name its account.

    The token travels as the operation says: in a parameter, in the URL's path, or as the bearer.

    Args:
        net: The one way out.
        provider: Whose operation.
        operation: Where and how.
        raw_token: The token.
        client: Who we are.
        params: Sent besides.

    Raises:
        ProviderUnavailable, NetRefused: As ``call``.
    """
    token = raw_token.reveal()
    url = operation.url.replace("{client_id}", quote(client.client_id, safe=""))
    filled = replace(operation, url=url.replace("{token}", quote(token, safe="")))
    sent = dict(params or {})
    if operation.token_param:
        sent[operation.token_param] = token
    if operation.client_auth == "bearer":
        return await call(net, filled, params=sent, raw_bearer=raw_token)
    if operation.client_auth == "none":
        return await call(net, filled, params=sent, client=client)
    return await call_as_client(net, provider, filled, params=sent, client=client)


class AccessRefused(ProviderUnavailable):
    """The provider does not take this access token, or not for saying whose it is."""


async def ask_documents(
    net: Net,
    provider: Provider,
    operations: Mapping[str, Operation],
    *,
    raw_access: Secret[str],
    client: ClientAtProvider,
) -> dict[str, Any]:
    """Ask with an access token what names its account, by name; each document must answer.

    Raises:
        AccessRefused: The token is good no more, or not for this.
        ProviderUnavailable: One does not answer, or not with a document.
    """
    found: dict[str, Any] = {}
    for name, operation in operations.items():
        told = await ask_about_token(net, provider, operation, raw_token=raw_access, client=client)
        if told.status != OK or not (told.is_object or told.items):
            refused = AccessRefused if told.status in _REFUSED else ProviderUnavailable
            raise refused(detail=f"{provider.id}: {name} answered {told.status}")
        found[name] = told.members if told.is_object else told.items
    return found


def read_answer(answer: Answer) -> ProviderAnswer:
    """Read an answer as JSON, whatever its content type claims; HTML is no object.

    A form is read where one is declared (GitHub answers so unless asked otherwise, F25).
    """
    found = _parsed(answer)
    is_object = isinstance(found, dict)
    return ProviderAnswer(
        status=answer.status,
        members=found if is_object else {},
        is_object=is_object,
        items=found if isinstance(found, list) else (),
        retry_after_seconds=read_retry_after(
            answer.headers.get("retry-after"),
            date=answer.headers.get("date"),
            most_seconds=_MAX_RETRY_AFTER_SECONDS,
        ),
    )


def _parsed(answer: Answer) -> Any:
    try:
        text = answer.body.decode()
        if answer.content_type == _FORM:
            return dict(parse_qsl(text, max_num_fields=_MAX_FORM_FIELDS))
        return parse_json(text)
    except ValueError:
        return None


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    if not fields:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _encode(operation: Operation, fields: Mapping[str, str]) -> tuple[str, bytes]:
    if operation.body == "json":
        return "application/json", json.dumps(fields).encode()
    return _FORM, urlencode(fields).encode()
