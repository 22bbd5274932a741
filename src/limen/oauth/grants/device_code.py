"""The device code grant (RFC 8628 section 3.4)."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.caller import Caller
from limen.oauth.decoupled.begin_device import KIND
from limen.oauth.decoupled.redeem import Polled, redeem
from limen.oauth.granted import Granted
from limen.oauth.parts import Parts
from limen.protocol.client_metadata import DEVICE_CODE
from limen.protocol.decoupled.device import DeviceCodeRequest


async def grant_device_code(
    work: Work, *, parts: Parts, caller: Caller, request: DeviceCodeRequest
) -> Granted:
    """Give a device its tokens, once, if somebody approved; else say what there is to wait for.

    Raises:
        OAuthRefusal: As ``redeem``.
    """
    polled = Polled(raw_code=request.raw_device_code, prefix=KIND, grant_type=DEVICE_CODE)
    return await redeem(work, parts=parts, caller=caller, polled=polled)
