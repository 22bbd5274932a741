"""``/account/connections/{id}``: how a connection does, what it may, and which apps may use it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.vault.erasing.preview import preview
from limen.vault.features.show import ShownFeature, list_features
from limen.vault.listing import ShownConnection, get_connection
from limen.vault.model import ReleaseMode
from limen.vault.parts import Parts as VaultParts
from limen.vault.quota.show import show_usage
from limen.vault.sharing.consents import list_shared, unshare
from limen.web.forms import read_form

PATH: Final = "/account/connections/{connection_id}"

Health = Literal["good", "busy", "soon", "bad"]
_ORDER: Final = ("active", "denied", "needs_admin", "missing")
_SOON: Final = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedApp:
    """An app that may use the connection.

    Args:
        allowed: What for, in a person's words.
        mode: Whether it may be given tokens, as its owner agreed.
    """

    client_id: str
    name: str
    allowed: Sequence[str]
    mode: ReleaseMode
    since: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """A feature in a person's words.

    Args:
        state: Of ``limen.vault.features.states``.
        allows: What each of its scopes means, where the title does not say it.
    """

    title: str
    state: str
    allows: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRow:
    """What somebody used of the provider's quota today.

    Args:
        name: The app's; empty for oneself.
        bucket: Empty for all that is not counted apart.
        units_a_day: Of everybody together.
    """

    name: str
    bucket: str
    units: int
    units_a_day: int | None


async def show_connection_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show one of one's connections."""
    connection_id = str(request.path_params["connection_id"])
    vault = _vault(parts)
    user_id = work.actor.id
    shown = await get_connection(work, vault, connection_id=connection_id, user_id=user_id)
    provider, features = await list_features(
        work, vault, connection_id=connection_id, owner_id=user_id
    )
    scopes = provider.facts.scopes
    rows = [
        FeatureRow(
            title=each.feature.title,
            state=each.standing.state,
            allows=[
                title
                for scope in each.feature.scopes
                if scope in scopes and (title := scopes[scope].title) != each.feature.title
            ],
        )
        for each in sorted(features, key=lambda each: _ORDER.index(each.standing.state))
    ]
    apps = await _apps(work, parts, shown=shown, features=features)
    return parts.pages.render(
        request,
        "portal/connection.html",
        connection=shown,
        health=health_of(shown, now=work.now),
        features=rows,
        apps=apps,
        quota=await _quota(work, parts, connection_id=connection_id),
        # Last: it may ask the provider for its endpoints, outside any transaction.
        ending=await preview(work, vault, connection_id=connection_id, owner_id=user_id),
    )


async def stop_sharing(request: Request, work: Work, *, parts: Parts) -> Response:
    """Let an app use the connection no more."""
    del parts
    form = await read_form(request)
    await unshare(
        work,
        owner_id=work.actor.id,
        connection_id=str(request.path_params["connection_id"]),
        client_id=form.required("client"),
    )
    return back_to_account(request, done="connection-unshared")


def health_of(shown: ShownConnection, *, now: dt.datetime) -> Health:
    """Say how a connection does: it works, is being renewed, needs its person soon, or now."""
    if shown.state == "refreshing":
        return "busy"
    if shown.state != "active":
        return "bad"
    if shown.reconnect_by is not None and shown.reconnect_by - now < _SOON:
        return "soon"
    return "good"


async def _apps(
    work: Work, parts: Parts, *, shown: ShownConnection, features: Sequence[ShownFeature]
) -> list[SharedApp]:
    titles: dict[str, Any] = {each.name: each.feature.title for each in features}
    apps = []
    for consent in await list_shared(work, owner_id=work.actor.id):
        if consent.connection_id != shown.id:
            continue
        client = await parts.clients.find(work, consent.client_id)
        apps.append(
            SharedApp(
                client_id=consent.client_id,
                name=consent.client_id if client is None else client.name,
                allowed=[titles.get(name, name) for name in consent.features],
                mode=consent.mode,
                since=consent.given_at,
            )
        )
    return apps


async def _quota(work: Work, parts: Parts, *, connection_id: str) -> list[QuotaRow]:
    """Return who used how much today, where the provider counts."""
    shown = await show_usage(
        work, _vault(parts), connection_id=connection_id, owner_id=work.actor.id, days=1
    )
    rows = []
    for use in shown.uses:
        client = await parts.clients.find(work, use.client_id) if use.client_id else None
        rows.append(
            QuotaRow(
                name=use.client_id if client is None else client.name,
                bucket=use.bucket,
                units=use.units + use.reported_units,
                units_a_day=shown.buckets[use.bucket].units_a_day
                if use.bucket in shown.buckets
                else None,
            )
        )
    return rows


def _vault(parts: Parts) -> VaultParts:
    if parts.vault is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    return parts.vault
