"""What a resource may be, whether it is created or changed."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.access.permissions import FULL_SCOPE
from limen.kernel.errors import InvalidInput
from limen.oauth.model import Resource
from limen.protocol.claims_mapping import check_rules
from limen.protocol.scopes import IDENTITY_SCOPES, is_scope_token

_MAX_SCOPES: Final = 200
_SHORTEST: Final = dt.timedelta(seconds=1)
_LONGEST: Final = dt.timedelta(days=1)


def check_resource(resource: Resource) -> None:
    """Refuse a resource that could not serve, looked at as a whole.

    Raises:
        InvalidInput: ``scope_invalid``, ``ttl_invalid`` or ``claims_invalid``.
    """
    _check_scopes(resource)
    ttl = resource.access_token_ttl
    if ttl is not None and not _SHORTEST <= ttl <= _LONGEST:
        raise InvalidInput("ttl_invalid", "Between one second and one day.", field="ttl")
    check_rules(resource.claims, field="claims")


def _check_scopes(resource: Resource) -> None:
    scopes = resource.scopes
    if len(scopes) > _MAX_SCOPES or not all(map(is_scope_token, scopes)):
        raise InvalidInput("scope_invalid", "Not a list of scopes.", field="scopes")
    reserved = {*IDENTITY_SCOPES, FULL_SCOPE} & scopes.keys()
    if reserved:
        raise InvalidInput(
            "scope_invalid", f"{min(reserved)} has a meaning of its own.", field="scopes"
        )
    if not set(resource.default_scopes) <= scopes.keys():
        raise InvalidInput(
            "scope_invalid", "default_scopes must be among scopes.", field="default_scopes"
        )
