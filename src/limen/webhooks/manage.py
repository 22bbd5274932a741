"""Endpoints and their secrets."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Final, NamedTuple

from limen.crypto.envelope import Envelope, Place
from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.standard_webhooks import new_secret
from limen.webhooks import store
from limen.webhooks.events import (
    EndpointAdded,
    EndpointChanged,
    EndpointRemoved,
    EndpointSecretRotated,
)
from limen.webhooks.model import EVERYTHING, KINDS, Endpoint, EndpointState

OLD_SECRET_SIGNS_FOR: Final = dt.timedelta(hours=24)
_GROUPS: Final = frozenset(f"{kind.partition('.')[0]}.*" for kind in KINDS)


class Shown(NamedTuple):
    """An endpoint with its secret, to be shown once."""

    endpoint: Endpoint
    raw_secret: Secret[str]


async def add_endpoint(
    work: Work,
    *,
    envelope: Envelope,
    net: Net,
    url: str,
    kinds: Iterable[str],
    description: str = "",
) -> Shown:
    """Have an address told what happens from now on.

    Args:
        work: Nothing may have been written in it: the address is looked up first.
        envelope: Seals the secret.
        net: Says whether the address is one we call (N213).
        url: https, or one the operator allows.
        kinds: Types, ``connection.*`` or ``*``.
        description: In the operator's words.

    Raises:
        InvalidInput: ``url_not_allowed``, ``kind_unknown``.
        Conflict: ``too_many_webhooks``.
    """
    wanted = _checked(kinds)
    await work.let_go()
    await net.check_target(url, field="url")
    if len(await store.list_endpoints(work)) >= store.MAX_ENDPOINTS:
        raise Conflict("too_many_webhooks", "There are too many webhook endpoints.")
    endpoint_id, raw_secret = new_id(work.now), new_secret()
    endpoint = Endpoint(
        id=endpoint_id,
        url=url,
        description=description,
        kinds=wanted,
        state="enabled",
        sealed_secret=await envelope.seal(
            work, _place(endpoint_id, "secret"), raw_secret.reveal().encode()
        ),
        sealed_old_secret=None,
        old_secret_until=None,
        failing_since=None,
        version=1,
        created_at=work.now,
    )
    await store.add_endpoint(work, endpoint)
    _forget(work)
    await work.record(EndpointAdded(endpoint_id=endpoint_id))
    return Shown(endpoint, raw_secret)


async def list_endpoints(work: Work) -> tuple[Endpoint, ...]:
    """Return the tenant's endpoints, oldest first."""
    return await store.list_endpoints(work)


async def get_endpoint(work: Work, *, endpoint_id: str) -> Endpoint:
    """Return an endpoint.

    Raises:
        NotFound: ``webhook_not_found``.
    """
    found = await store.find_endpoint(work, endpoint_id)
    if found is None:
        raise _not_found()
    return found


async def change_endpoint(  # noqa: PLR0913 -- what of an endpoint may change
    work: Work,
    *,
    net: Net,
    endpoint_id: str,
    url: str | None = None,
    kinds: Iterable[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """Change what is named; ``None`` leaves a member as it is.

    Turning an endpoint on again forgets its failures.

    Raises:
        NotFound: ``webhook_not_found``.
        InvalidInput: ``url_not_allowed``, ``kind_unknown``.
    """
    if url is not None:
        await work.let_go()
        await net.check_target(url, field="url")
    before = await _locked(work, endpoint_id)
    after = dataclasses.replace(
        before,
        url=before.url if url is None else url,
        kinds=before.kinds if kinds is None else _checked(kinds),
        description=before.description if description is None else description,
    )
    if enabled is not None:
        state: EndpointState = "enabled" if enabled else "disabled"
        after = dataclasses.replace(after, state=state, failing_since=None)
    changed = tuple(
        field.name
        for field in dataclasses.fields(Endpoint)
        if getattr(before, field.name) != getattr(after, field.name)
    )
    if changed:
        await store.change_endpoint(work, after)
        _forget(work)
        await work.record(EndpointChanged(endpoint_id=endpoint_id, members=changed))
    return after


async def rotate_secret(work: Work, *, envelope: Envelope, endpoint_id: str) -> Shown:
    """Make a new secret; the old one signs beside it for a day.

    Raises:
        NotFound: ``webhook_not_found``.
    """
    before = await _locked(work, endpoint_id)
    raw_secret = new_secret()
    raw_old = await envelope.open(work, _place(endpoint_id, "secret"), before.sealed_secret)
    after = dataclasses.replace(
        before,
        sealed_secret=await envelope.seal(
            work, _place(endpoint_id, "secret"), raw_secret.reveal().encode()
        ),
        sealed_old_secret=await envelope.seal(
            work, _place(endpoint_id, "old secret"), raw_old.reveal()
        ),
        old_secret_until=work.now + OLD_SECRET_SIGNS_FOR,
    )
    await store.change_endpoint(work, after)
    _forget(work)
    await work.record(EndpointSecretRotated(endpoint_id=endpoint_id))
    return Shown(after, raw_secret)


async def remove_endpoint(work: Work, *, endpoint_id: str) -> None:
    """Tell an address no more; what waits for it is dropped.

    Raises:
        NotFound: ``webhook_not_found``.
    """
    if not await store.remove_endpoint(work, endpoint_id):
        raise _not_found()
    _forget(work)
    await work.record(EndpointRemoved(endpoint_id=endpoint_id))


async def open_secrets(
    work: Work, envelope: Envelope, endpoint: Endpoint
) -> tuple[Secret[str], ...]:
    """Return the secrets that sign now, the newest first."""
    sealed = [("secret", endpoint.sealed_secret)]
    until = endpoint.old_secret_until
    if endpoint.sealed_old_secret is not None and until is not None and work.now < until:
        sealed.append(("old secret", endpoint.sealed_old_secret))
    opened = [await envelope.open(work, _place(endpoint.id, name), each) for name, each in sealed]
    return tuple(Secret(raw.reveal().decode()) for raw in opened)


def _checked(kinds: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(kinds))
    if not wanted or any(
        kind != EVERYTHING and kind not in _GROUPS and kind not in KINDS for kind in wanted
    ):
        raise InvalidInput("kind_unknown", "There is no such type of message.", field="types")
    return wanted


async def _locked(work: Work, endpoint_id: str) -> Endpoint:
    found = await store.lock_endpoint(work, endpoint_id)
    if found is None:
        raise _not_found()
    return found


def _place(endpoint_id: str, field: str) -> Place:
    return Place("webhook", endpoint_id, field)


def _forget(work: Work) -> None:
    forget(work, kind=store.MEMORY, name="")


def _not_found() -> NotFound:
    return NotFound("webhook_not_found", "There is no such webhook endpoint.")
