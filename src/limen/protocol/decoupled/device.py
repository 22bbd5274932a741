"""The two requests of a device: for a code, and then, again and again, for its tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from limen.kernel.secret import Secret
from limen.protocol.authorization_details import Details, parse_details
from limen.protocol.authorization_request import read_acr_values
from limen.protocol.decoupled.user_code import show_user_code
from limen.protocol.params import Params
from limen.protocol.resource_indicator import read_resource
from limen.protocol.scopes import parse_scope

VERIFICATION_PATH = "/device"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """Ask for a device code (RFC 8628 section 3.1).

    Attributes:
        scope: ``None`` when the request named none.
        resource: In canonical form.
        acr_values: In order of preference.
    """

    scope: tuple[str, ...] | None = None
    resource: str | None = None
    authorization_details: Details = ()
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCodeRequest:
    """Ask whether a device code was approved (RFC 8628 section 3.4)."""

    raw_device_code: Secret[str]


def parse_device_request(params: Params) -> DeviceRequest:
    """Read a device authorization request.

    Raises:
        OAuthRefusal: What is wrong with a parameter.
    """
    params.refuse_repeated(may_repeat=("resource",))
    return DeviceRequest(
        scope=parse_scope(params.one("scope")),
        resource=read_resource(params),
        authorization_details=parse_details(params.one("authorization_details")),
        acr_values=read_acr_values(params),
    )


def parse_device_code_request(params: Params) -> DeviceCodeRequest:
    """Read the token request of a device.

    Raises:
        OAuthRefusal: ``invalid_request``.
    """
    return DeviceCodeRequest(raw_device_code=Secret(params.required("device_code")))


def device_response(
    *,
    raw_device_code: Secret[str],
    raw_user_code: Secret[str],
    issuer: str,
    expires_in: int,
    interval: int,
) -> bytes:
    """Write the answer of RFC 8628 section 3.2, both times in seconds."""
    shown = show_user_code(raw_user_code)
    address = issuer + VERIFICATION_PATH
    members: Mapping[str, object] = {
        "device_code": raw_device_code.reveal(),
        "user_code": shown,
        "verification_uri": address,
        "verification_uri_complete": f"{address}?{urlencode({'user_code': shown})}",
        "expires_in": expires_in,
        "interval": interval,
    }
    return json.dumps(members).encode()
