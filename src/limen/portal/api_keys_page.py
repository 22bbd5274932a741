"""``/account/api-keys``: keys for one's own programs, made after a recent sign-in, shown once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from limen.access.permissions import SELF
from limen.access.require import check_recent
from limen.access.rights import granted_to
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput, NotPermitted, ReauthenticationRequired
from limen.oauth.api_keys.for_person import create_own_key
from limen.oauth.api_keys.wanted import WantedKey
from limen.oauth.endpoints.interactive.words import scope_text
from limen.oauth.registry.listing import MOST, list_resources
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.protocol.params import Params
from limen.signin.endpoints.form_page import FormPage, text_of
from limen.tenants.policy_of import policy_of
from limen.tenants.tenant import api_audience
from limen.tokens.api_keys.revoke import revoke_key
from limen.web.forms import read_form
from limen.web.languages.words import marked
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

PATH: Final = "/account/api-keys"

_WORDS: Final[Mapping[str, str]] = {
    SELF: "Read and change your account",
    "connections:read": "See which accounts you connected",
    "connections:connect": "Begin connecting accounts",
    "connections:token": "Fetch the access tokens of your connected accounts",
    "connections:refresh": "Have their access renewed",
    "connections:disconnect": "Disconnect them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API that a key can be for.

    Args:
        scopes: What it may do there, each with a person's words for it.
    """

    identifier: str
    name: str
    scopes: Sequence[tuple[str, str]]


async def show_api_keys_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the form, or ask for a recent sign-in first."""
    check_rate(request, "page")
    try:
        check_recent(work)
    except ReauthenticationRequired:
        return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": PATH}))
    return _page(parts).show(request, await _context(work, parts))


async def make(request: Request, work: Work, *, parts: Parts) -> Response:
    """Make a key, and show it this once."""
    check_rate(request, "login")
    check_recent(work)
    form = await read_form(request)
    context = await _context(work, parts)
    _page(parts).again(request, {**context, "name": text_of(form, "name")})
    made = await create_own_key(work, resources=parts.resources, wanted=_wanted(form))
    return parts.pages.render(
        request,
        "portal/api_key.html",
        raw_key=made.raw_key.reveal(),
        key=made.key,
        next_url=page_url(request, "/account", done="api-key-made"),
    )


async def revoke(request: Request, work: Work, *, parts: Parts) -> Response:
    """End one of one's keys."""
    del parts
    key_id = (await read_form(request)).required("api_key")
    await revoke_key(work, key_id=key_id, principal_id=work.actor.id)
    return back_to_account(request, done="api-key-revoked")


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/api_keys.html")


async def _context(work: Work, parts: Parts) -> dict[str, Any]:
    policy = policy_of(work).api_keys
    if not policy.people:
        raise NotPermitted("api_keys_off", "People have no API keys here.")
    return {
        "apis": await _apis(work, parts),
        "days": policy.default_days,
        "max_days": policy.max_days,
        "name": "",
    }


async def _apis(work: Work, parts: Parts) -> list[Api]:
    """Return what a person's keys can be for: our own API, and those that the tenant named."""
    own = sorted(await granted_to(work, Actor("user", id=work.actor.id)), key=_people_first)
    found = [
        Api(
            identifier=api_audience(work.site),
            name=marked("This service"),
            scopes=[(scope, _WORDS.get(scope, scope)) for scope in own],
        )
    ]
    named = policy_of(work).api_keys.scopes
    if not named:
        return found
    for resource in (await list_resources(work, parts.door.envelope, limit=MOST)).items:
        scopes = [(each, scope_text(each, resource=resource)) for each in named]
        theirs = [(each, text) for each, text in scopes if each in resource.scopes]
        if theirs and resource.is_active and not resource.sender_constrained:
            name = resource.name or resource.identifier
            found.append(Api(identifier=resource.identifier, name=name, scopes=theirs))
    return found


def _people_first(scope: str) -> tuple[bool, str]:
    return scope not in _WORDS, scope


def _wanted(form: Params) -> WantedKey:
    """Read what is asked for; a key is for one API."""
    chosen = [grant.partition(" ") for grant in form.many("grant")]
    apis = {api for api, _, _ in chosen}
    if len(apis) != 1:
        raise InvalidInput(
            "one_api_needed", "Choose what the key may do, at one of these.", field="grant"
        )
    days = text_of(form, "days")
    if days and not (days.isascii() and days.isdigit() and len(days) <= 5):
        raise InvalidInput("lifetime_invalid", "Give a number of days.", field="days")
    return WantedKey(
        name=text_of(form, "name"),
        scope=tuple(scope for _, _, scope in chosen),
        resource=apis.pop(),
        ttl=dt.timedelta(days=int(days)) if days else None,
    )
