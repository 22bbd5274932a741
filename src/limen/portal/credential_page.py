"""``/account/credentials/{provider}``: a key for an account elsewhere is given, or replaced.

What was typed is shown to nobody again: not on the page that says what was wrong with it either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.federation.catalogue.credential_rule import CredentialKind
from limen.kernel.errors import InvalidInput, NotFound
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.protocol.params import Params
from limen.signin.endpoints.form_page import FormPage, text_of
from limen.vault.credentials.material import Given, Material, read_key_file, read_material
from limen.vault.giving.asked_for import AskedFor, asked_for
from limen.vault.giving.give import Offered, give
from limen.vault.giving.rotate import Replacement, find_credential, rotate
from limen.vault.giving.verify import verify
from limen.vault.model import Connection
from limen.vault.parts import Parts as VaultParts
from limen.web.forms import read_form, read_query
from limen.web.rate_limit import check_rate

GIVE: Final = "/account/credentials/{provider}"
REPLACE: Final = "/account/connections/{connection_id}/credential"
VERIFY: Final = "/account/connections/{connection_id}/verify"

_FIELDS: Final[Mapping[CredentialKind, tuple[str, ...]]] = {
    "api_key": ("key",),
    "basic": ("username", "password"),
    "client_credentials": ("client_id", "client_secret"),
    "service_account": ("service_account", "on_behalf_of"),
}
_SECRET: Final[Mapping[CredentialKind, str]] = {
    "api_key": "key",
    "basic": "password",
    "client_credentials": "client_secret",
    "service_account": "service_account",
}
_MOST_DIGITS: Final = 18


async def show_give_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the form for a key of the kind that was chosen."""
    check_rate(request, "page")
    asked = await _asked(request, work, parts, kind=read_query(request).one("kind") or "")
    first = tuple(asked.features)[:1]
    return _page(parts).show(request, {**_empty(asked), "chosen": first})


async def give_key(request: Request, work: Work, *, parts: Parts) -> Response:
    """Keep a key, if its provider takes it."""
    check_rate(request, "login")
    form = await read_form(request)
    asked = await _asked(request, work, parts, kind=text_of(form, "kind"))
    features = form.many("feature")
    _page(parts).again(request, {**_typed(asked, form), "chosen": features})
    if asked.features and not features:
        raise InvalidInput("feature_unknown", "Say what it is for.", field="features")
    try:
        offered = Offered(
            provider=asked.provider,
            owner_id=work.actor.id,
            material=_material(asked, form),
            features=features,
        )
        await give(work, _vault(parts), offered=offered)
    except InvalidInput as refused:
        raise _at_its_field(refused, asked) from None
    return back_to_account(request, done="connected")


async def show_replace_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the form for another key in the place of the one there is."""
    check_rate(request, "page")
    connection = await _held(request, work)
    asked = await _asked_of(work, parts, connection)
    return _page(parts).show(request, {**_empty(asked), **_in_place_of(connection)})


async def replace_key(request: Request, work: Work, *, parts: Parts) -> Response:
    """Put a key in the place of the one there is, once its provider takes it."""
    check_rate(request, "login")
    form = await read_form(request)
    connection = await _held(request, work)
    asked = await _asked_of(work, parts, connection)
    _page(parts).again(request, {**_typed(asked, form), **_in_place_of(connection)})
    try:
        wish = Replacement(
            connection_id=connection.id,
            owner_id=work.actor.id,
            material=_material(asked, form),
            seen_generation=_generation(form),
        )
        await rotate(work, _vault(parts), wish=wish)
    except InvalidInput as refused:
        raise _at_its_field(refused, asked) from None
    return back_to_account(request, done="key-replaced")


async def ask_about_key(request: Request, work: Work, *, parts: Parts) -> Response:
    """Ask the provider whether it takes a key."""
    check_rate(request, "login")
    taken = await verify(
        work,
        _vault(parts),
        connection_id=str(request.path_params["connection_id"]),
        owner_id=work.actor.id,
    )
    return back_to_account(request, done="key-taken" if taken else "key-refused")


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/credential.html")


async def _asked(request: Request, work: Work, parts: Parts, *, kind: str) -> AskedFor:
    provider = str(request.path_params["provider"])
    return await asked_for(work, _vault(parts), provider=provider, kind=kind)


async def _asked_of(work: Work, parts: Parts, connection: Connection) -> AskedFor:
    kind = connection.grant.kind
    return await asked_for(work, _vault(parts), provider=connection.provider, kind=kind)


async def _held(request: Request, work: Work) -> Connection:
    connection_id = str(request.path_params["connection_id"])
    return await find_credential(work, connection_id=connection_id, owner_id=work.actor.id)


def _empty(asked: AskedFor) -> dict[str, Any]:
    return {"asked": asked, "typed": {}, "chosen": (), "connection": None}


def _typed(asked: AskedFor, form: Params) -> dict[str, Any]:
    """Return what may be shown again: names, and no name that is a key by itself."""
    shown = {"client_id", "on_behalf_of"} | (set() if asked.may_omit_password else {"username"})
    typed = {name: text_of(form, name) for name in _FIELDS[asked.kind] if name in shown}
    return {**_empty(asked), "typed": typed}


def _in_place_of(connection: Connection) -> dict[str, Any]:
    return {"connection": connection}


def _material(asked: AskedFor, form: Params) -> Material:
    """Read what was typed; what belongs to another kind is not looked at.

    Raises:
        InvalidInput: ``credential_invalid``.
    """
    members: dict[str, Any] = {name: form.one(name) for name in _FIELDS[asked.kind]}
    raw_file = members.get("service_account")
    if raw_file is not None:
        members["service_account"] = read_key_file(raw_file)
    return read_material(Given(kind=asked.kind, members=members))


def _at_its_field(refused: InvalidInput, asked: AskedFor) -> InvalidInput:
    """Say the same beside a field that is on the page."""
    field = refused.field.partition(".")[0]
    if field == "credential":
        field = "username" if asked.may_omit_password else _SECRET[asked.kind]
    return InvalidInput(refused.code, refused.public, detail=refused.detail, field=field)


def _generation(form: Params) -> int:
    """Return which key the page was about: another one may have taken its place since."""
    raw = form.required("generation")
    is_number = raw.isascii() and raw.isdecimal() and len(raw) <= _MOST_DIGITS
    return int(raw) if is_number else 0


def _vault(parts: Parts) -> VaultParts:
    if parts.vault is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    return parts.vault
