"""Switch a feature on over a connection: at once where its scopes are held, else by asking."""

from __future__ import annotations

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound
from limen.vault.events import FeatureActivated, FeatureDeactivated
from limen.vault.features.show import see
from limen.vault.parts import Parts
from limen.vault.store import connections
from limen.vault.store import features as store


async def activate(
    work: Work,
    parts: Parts,
    *,
    connection_id: str,
    owner_id: str,
    feature: str,
    as_administrator: bool = False,
) -> str | None:
    """Switch a feature on if its scopes are held; otherwise tell where its person is asked.

    Args:
        work: The request's.
        parts: The vault's.
        connection_id: Over which.
        owner_id: Whose.
        feature: By name.
        as_administrator: The person can agree to what only an administrator of the account can.

    Returns:
        ``None`` if the feature is active now; else the provider to be connected again, with
        this feature and pinned to the connection's account.

    Raises:
        NotFound: ``connection_not_found``, ``feature_unknown``.
        Conflict: ``feature_denied``: an app asks a person who said no a short while ago;
            ``feature_needs_admin``.
    """
    seen = await see(work, parts, connection_id=connection_id, owner_id=owner_id)
    standing = seen.standing(feature)
    if standing.state == "active":
        return None
    if not standing.missing_scopes:
        await store.allow_feature(work, connection_id=connection_id, feature=feature)
        await work.record(FeatureActivated(connection_id=connection_id, feature=feature))
        return None
    if standing.state == "needs_admin" and not as_administrator:
        raise Conflict(
            "feature_needs_admin", "An administrator of the account at the provider has to agree."
        )
    again = standing.ask_again_at
    if again is not None and work.now < again and _is_app(work):
        raise Conflict(
            "feature_denied",
            "The person said no to this a short while ago. Ask again after "
            f"{again.isoformat(timespec='seconds')}.",
        )
    return seen.connection.provider


async def deactivate(work: Work, *, connection_id: str, owner_id: str, feature: str) -> None:
    """Switch a feature off: nobody is given tokens for it any more; the scopes stay granted.

    Raises:
        NotFound: ``connection_not_found``, ``feature_inactive``.
    """
    found = await connections.find_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    if not await store.drop_feature(work, connection_id=connection_id, feature=feature):
        raise NotFound("feature_inactive", "The feature is not switched on.")
    await work.record(FeatureDeactivated(connection_id=connection_id, feature=feature))


def _is_app(work: Work) -> bool:
    """Whether an application asks on its own: people at our own pages ask themselves."""
    scope = work.actor.scope
    return scope is not None and FULL_SCOPE not in scope
