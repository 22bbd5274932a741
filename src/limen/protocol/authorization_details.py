"""Rich authorization requests: ``authorization_details`` (RFC 9396), read, checked, narrowed.

What a type may hold is declared by the resource it is for (``detail_types``).
What is not declared is refused: a member that nobody checks and nobody shows is one that a
person agrees to unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from limen.kernel.errors import OAuthRefusal
from limen.protocol.jose import JwtRefused, parse_object
from limen.protocol.params import Params

MAX_BYTES: Final = 16_384
MAX_DETAILS: Final = 20
MAX_TEXT: Final = 1024
_MAX_ITEMS: Final = 50

Detail = Mapping[str, Any]
Details = tuple[Detail, ...]
Declaration = Mapping[str, Any]
"""``{"description": …, "schema": {…}}``: a text for the consent page, and the rules."""

_LISTS: Final = frozenset({"locations", "actions", "datatypes", "privileges"})
KINDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def parse_details(raw: str | None) -> Details:
    """Read ``authorization_details``: a JSON array of objects, each with its ``type``.

    Raises:
        OAuthRefusal: ``invalid_authorization_details`` (RFC 9396 section 5).
    """
    if raw is None:
        return ()
    if len(raw) > MAX_BYTES:
        raise refused("authorization_details is too long.")
    try:
        # As one member, so that every rule for foreign JSON objects holds.
        read = parse_object(b'{"details":' + raw.encode() + b"}")
    except JwtRefused:
        raise refused("authorization_details is no JSON.") from None
    details = read["details"]
    if len(read) != 1 or not isinstance(details, list) or not 0 < len(details) <= MAX_DETAILS:
        raise refused(f"authorization_details is an array of 1 to {MAX_DETAILS} objects.")
    for detail in details:
        if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
            raise refused("Each of authorization_details is an object with a type.")
    return tuple(details)


def read_details(params: Params) -> Details | None:
    """Read what a token request wants of what was granted; ``None`` for all of it.

    Raises:
        OAuthRefusal: As ``parse_details``.
    """
    raw = params.one("authorization_details")
    return None if raw is None else parse_details(raw)


def write_details(details: Sequence[Detail]) -> str:
    """Write details as the parameter again."""
    return json.dumps(list(details), separators=(",", ":"))


def check_details(
    details: Details,
    *,
    registered: Sequence[str],
    declared: Mapping[str, Declaration],
    resource: str,
) -> None:
    """Check what a client asks for against what it registered and what the resource declares.

    Args:
        details: As parsed.
        registered: The client's ``authorization_details_types``; without any it has no leave.
        declared: The resource's types.
        resource: Its identifier, the only one that ``locations`` may name.

    Raises:
        OAuthRefusal: ``invalid_authorization_details``.
    """
    for detail in details:
        name = detail["type"]
        if name not in registered or name not in declared:
            raise refused("This type of authorization_details is not for this client and resource.")
        _check_object(detail, declared[name]["schema"], path=name)
        if any(location != resource for location in detail.get("locations", ())):
            raise refused("locations may name the resource alone that the token is for.")


def narrow_details(requested: Details | None, *, granted: Details) -> Details:
    """Return what a token may carry: what was granted, or less, never more (section 6).

    Less is: not all of the objects, or fewer of an object's ``actions``, ``datatypes``,
    ``locations`` or ``privileges``. Whether one amount is less than another only the API knows;
    everything else has to be the same. One object that was granted gives one: two of a payment
    that was agreed to once are two payments.

    Raises:
        OAuthRefusal: ``invalid_authorization_details``.
    """
    if requested is None:
        return granted
    if not _each_has_its_own(requested, granted):
        raise refused("The authorization_details exceed what was granted.")
    return requested


def refused(public: str) -> OAuthRefusal:
    """Return the refusal of RFC 9396 section 5."""
    return OAuthRefusal("invalid_authorization_details", public, field="authorization_details")


def _each_has_its_own(requested: Details, granted: Details) -> bool:
    """Say whether every wanted object finds a granted one that no other wanted one needs."""
    taken: dict[int, int] = {}

    def finds(index: int, tried: set[int]) -> bool:
        for place, given in enumerate(granted):
            if place in tried or not _is_within(requested[index], given):
                continue
            tried.add(place)
            # Who has it makes room, if another does for them.
            if place not in taken or finds(taken[place], tried):
                taken[place] = index
                return True
        return False

    return all(finds(index, set()) for index in range(len(requested)))


def _is_within(wanted: Detail, given: Detail) -> bool:
    if wanted.keys() != given.keys():
        return False
    return all(
        set(wanted[name]) <= set(given[name]) and bool(wanted[name])
        if name in _LISTS and _are_texts(wanted[name]) and _are_texts(given[name])
        else _is_same(wanted[name], given[name])
        for name in given
    )


def _is_same(wanted: object, given: object) -> bool:
    """Compare JSON values; a truth value is no number, though Python has them equal."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        return wanted.keys() == given.keys() and all(
            _is_same(value, given[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(_is_same, wanted, given))
    return isinstance(wanted, bool) == isinstance(given, bool) and wanted == given


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_object(value: Mapping[str, Any], schema: Mapping[str, Any], *, path: str) -> None:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise refused(f"{path}: {name} is missing.")
    for name, member in value.items():
        if name == "type" and name not in properties:
            continue
        if name == "locations" and name not in properties:
            _check_value(member, _LOCATIONS, path=f"{path}.{name}")
            continue
        if name not in properties:
            raise refused(f"{path}: a member is not declared by the resource.")
        _check_value(member, properties[name], path=f"{path}.{name}")


_LOCATIONS: Final = {"type": "array", "items": {"type": "string"}}


def _check_value(value: Any, schema: Mapping[str, Any], *, path: str) -> None:
    kind = schema["type"]
    if not KINDS[kind](value):
        raise refused(f"{path} must be of the type {kind}.")
    if "enum" in schema and value not in schema["enum"]:
        raise refused(f"{path} has a value that is not offered.")
    if kind == "string" and len(value) > schema.get("maxLength", MAX_TEXT):
        raise refused(f"{path} is too long.")
    if kind == "object":
        _check_object(value, schema, path=path)
    if kind == "array":
        if len(value) > schema.get("maxItems", _MAX_ITEMS):
            raise refused(f"{path} has too many items.")
        for item in value:
            _check_value(item, schema["items"], path=path)
