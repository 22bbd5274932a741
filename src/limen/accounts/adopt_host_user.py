"""Let the host application's own user be a person of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.accounts import store
from limen.accounts.claims import check_claims
from limen.accounts.create_user import NewRow, add_user
from limen.accounts.email_address import find_canonical
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import NotPermitted


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUser:
    """Somebody the host application knows and vouches for.

    Args:
        id: Their id in the host, which never changes and never names another.
        email: Their address, if the host has one.
        email_verified: Whether the host proved the mailbox; an unproven one is not taken over.
        claims: OpenID Connect standard claims, ``name`` say.
        roles: Roles of ours the host gives them; ``None`` leaves roles to us.
        session: What names their session in the host; its end is told by
            ``Limen.end_host_session``. Empty when the host has one session a person.
        amr: How the host authenticated them, RFC 8176 values.
        ambient: Whether browsers send by themselves what names them (a cookie): then an unsafe
            request needs the CSRF token too. ``False`` when the host read a header that a
            script must set.
    """

    id: str
    email: str | None = None
    email_verified: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] | None = None
    session: str = ""
    amr: tuple[str, ...] = ("pwd",)
    ambient: bool = True


async def adopt_host_user(work: Work, *, host: HostUser) -> User:
    """Return the person a host's user is here, made at first sight.

    The host's id names them, never their address: an address that is taken here already stays
    with whom it names (N129).

    Raises:
        NotPermitted: ``account_disabled``: an administrator of ours shut them out.
        InvalidInput: A claim is not acceptable.
    """
    user = await store.find_by_host_id(work, host.id) or await _create(work, host)
    if not user.is_active:
        raise NotPermitted("account_disabled", "This account is disabled.")
    claims = check_claims(dict(host.claims))
    if claims and claims != user.claims:
        await store.put_claims(work, user.id, claims)
    return user


async def _create(work: Work, host: HostUser) -> User:
    proven = find_canonical(host.email) if host.email and host.email_verified else None
    if proven is not None and await store.find_by_email(work, proven) is not None:
        proven = None
    row = NewRow(
        how="host",
        address=proven,
        verified=proven is not None,
        password_hash=None,
        claims=check_claims(dict(host.claims)),
    )
    user = await add_user(work, row)
    if user is None or not await store.add_host_id(work, user_id=user.id, host_id=host.id):
        # Another request adopted them in the meantime: this Work's row goes, theirs stands.
        if user is not None:
            await store.delete_user(work, user.id)
        found = await store.find_by_host_id(work, host.id)
        assert found is not None
        return found
    return user
