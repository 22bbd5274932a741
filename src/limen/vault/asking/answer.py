"""Yes, no, or "connect an account first": a person's answer to a request to share."""

from __future__ import annotations

from collections.abc import Sequence

from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.protocol.redirect_uri import match_redirect_uri
from limen.vault.asking import store
from limen.vault.asking.accounts import Account
from limen.vault.asking.events import SharingRefused
from limen.vault.asking.look import Asking, link_invalid
from limen.vault.asking.model import REQUEST_TTL
from limen.vault.connect import WantedConnection, begin_connect
from limen.vault.features.activate import activate
from limen.vault.parts import Parts
from limen.vault.sharing.consents import Wish, share


async def allow(
    work: Work, parts: Parts, asking: Asking, *, connection_id: str, seen: Sequence[str]
) -> str:
    """Share an account with the app, for what its person was shown; return where they go.

    Atomic: of any number of answers one counts.

    Args:
        work: The person's.
        parts: The vault's.
        asking: As ``look_at_request`` returned it.
        connection_id: The account they chose.
        seen: The features that the page named with it.

    Raises:
        InvalidInput: ``account_invalid``: none of theirs that can be chosen; ``link_invalid``.
        Conflict: ``sharing_changed``: it would allow something else by now.
        OAuthRefusal: ``invalid_redirect_uri``: registered no more.
    """
    account = _chosen(asking, connection_id)
    if set(seen) != set(account.features):
        raise Conflict("sharing_changed", "What this would allow has changed. Look at it again.")
    request = asking.request
    taken = await store.complete(
        work, request.id, link_hash=asking.link_hash, connection_id=connection_id
    )
    if not taken:
        raise link_invalid()
    for feature in account.features:
        asked_at = await activate(
            work, parts, connection_id=connection_id, owner_id=work.actor.id, feature=feature
        )
        if asked_at is not None:
            raise Conflict("sharing_changed", "What this would allow has changed. Look again.")
    wish = Wish(
        connection_id=connection_id,
        client_id=request.client_id,
        features=account.features,
        mode="raw" if asking.mode == "raw" else "proxy",
        sharing_request_id=request.id,
    )
    await share(work, parts, owner_id=work.actor.id, wish=wish)
    return _way_back(work, asking)


async def deny(work: Work, asking: Asking) -> str:
    """Say no to the app; return where the person goes.

    Raises:
        InvalidInput: ``link_invalid``: somebody was faster.
    """
    request = asking.request
    if not await store.refuse(work, request.id, link_hash=asking.link_hash, reason="declined"):
        raise link_invalid()
    await work.record(
        SharingRefused(
            sharing_request_id=request.id,
            client_id=request.client_id,
            provider=request.provider,
            reason="declined",
        )
    )
    return _way_back(work, asking, error="declined")


async def connect_first(work: Work, parts: Parts, asking: Asking, *, connection_id: str) -> str:
    """Leave for the provider, to come back to the page in this session; return its URL.

    Args:
        work: The person's.
        parts: The vault's.
        asking: As ``look_at_request`` returned it.
        connection_id: The account to be renewed, or to cover more; empty for another one.

    Raises:
        InvalidInput: ``link_invalid``; as ``begin_connect``.
    """
    request = asking.request
    pinned = connection_id or request.wanted_connection
    wanted = WantedConnection(
        provider=request.provider,
        features=request.features,
        connection_id=pinned,
        return_to=f"/account/share/{request.id}",
    )
    # Taken last: leaving asks the provider for its endpoints, outside any transaction.
    url = await begin_connect(work, parts, wanted=wanted)
    claimed = await store.claim(
        work, request.id, link_hash=asking.link_hash, expires_at=work.now + REQUEST_TTL
    )
    if not claimed:
        raise link_invalid()
    return url


def _chosen(asking: Asking, connection_id: str) -> Account:
    for account in asking.accounts:
        if account.connection_id == connection_id and account.state == "ready":
            return account
    raise InvalidInput("account_invalid", "Choose one of your accounts.", field="account")


def _way_back(work: Work, asking: Asking, *, error: str = "") -> str:
    """Return where the browser goes: to the app, which learns the rest by asking; or it stays."""
    request = asking.request
    if not request.redirect_uri:
        return "/account?done=" + ("sharing-declined" if error else "connection-shared")
    # Checked again: what was taken from the client meanwhile is nowhere to send anybody.
    back = match_redirect_uri(request.redirect_uri, registered=asking.client.redirect_uris)
    told = {
        "sharing_request": request.id,
        "state": request.app_state,
        "error": error,
        "iss": work.site.issuer,
    }
    return back.with_params([(name, value) for name, value in told.items() if value])
