"""``/account/profile``: name and picture, one's own or as a provider says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from limen.accounts.profile.pictures import remove_own
from limen.accounts.profile.sources import NONE, OWN
from limen.db.work import Work
from limen.federation.profile.read import ShownProfile, choose_source, read_profile
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.protocol.params import Params
from limen.signin.endpoints.form_page import FormPage, text_of
from limen.web.forms import read_form
from limen.web.languages.words import marked
from limen.web.rate_limit import check_rate

PATH: Final = "/account/profile"


@dataclass(frozen=True, slots=True)
class Choice:
    """A source that a field may follow.

    Args:
        source: ``own``, ``none`` or an identity's id.
        label: What people read.
        value: What the source says.
    """

    source: str
    label: str
    value: str


async def show_profile_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show what is used, and what else there is."""
    check_rate(request, "page")
    return _page(parts).show(request, await _context(work, parts))


async def change(request: Request, work: Work, *, parts: Parts) -> Response:
    """Have name and picture follow what was chosen."""
    form = await read_form(request)
    _page(parts).again(request, {**await _context(work, parts), **_typed(form)})
    for field in ("name", "picture"):
        source = text_of(form, f"{field}_source")
        if not source:
            continue
        own_words = text_of(form, field) if source == OWN and field == "name" else ""
        await choose_source(
            work,
            parts.door.envelope,
            user_id=work.actor.id,
            field=field,
            source=source if own_words or source != OWN or field == "picture" else NONE,
            value=own_words or None,
        )
    return back_to_account(request, done="profile-changed")


async def remove_picture(request: Request, work: Work, *, parts: Parts) -> Response:
    """Delete the uploaded picture and show none."""
    del parts
    await remove_own(work, user_id=work.actor.id)
    return back_to_account(request, done="profile-changed")


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/profile.html", scripts=True)


def _typed(form: Params) -> Mapping[str, str]:
    return {"name": text_of(form, "name"), "name_source": text_of(form, "name_source")}


async def _context(work: Work, parts: Parts) -> dict[str, Any]:
    profile = await read_profile(
        work, parts.door.envelope, user_id=work.actor.id, with_history=False
    )
    titles = {each.id: each.name for each in await parts.list_sign_in_providers(work)}
    return {
        "name": profile.used["name"].value or "",
        "name_source": profile.used["name"].source or OWN,
        "names": _names(profile, titles),
        "picture_source": profile.used["picture"].source or NONE,
        "pictures": _pictures(profile, titles),
        "has_own_picture": profile.own_picture_url is not None,
    }


def _names(profile: ShownProfile, titles: Mapping[str, str]) -> list[Choice]:
    said = [
        Choice(each.id, _title(titles, each.record.provider), each.words.name)
        for each in profile.said
        if each.words.name
    ]
    return [Choice(OWN, marked("What I write here"), ""), *said]


def _pictures(profile: ShownProfile, titles: Mapping[str, str]) -> list[Choice]:
    said = [
        Choice(each.id, _title(titles, each.record.provider), each.picture_url)
        for each in profile.said
        if each.picture_url
    ]
    own = profile.own_picture_url
    uploaded = [] if own is None else [Choice(OWN, marked("The one I uploaded"), own)]
    return [Choice(NONE, marked("No picture"), ""), *uploaded, *said]


def _title(titles: Mapping[str, str], provider: str) -> str:
    return titles.get(provider, provider.capitalize())
