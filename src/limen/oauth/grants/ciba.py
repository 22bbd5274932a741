"""The CIBA grant (CIBA Core 1.0 section 10.1), for clients that poll and those that are pinged."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.caller import Caller
from limen.oauth.decoupled.begin_backchannel import KIND
from limen.oauth.decoupled.redeem import Polled, redeem
from limen.oauth.granted import Granted
from limen.oauth.parts import Parts
from limen.protocol.client_metadata import CIBA
from limen.protocol.decoupled.backchannel import CibaRequest


async def grant_ciba(work: Work, *, parts: Parts, caller: Caller, request: CibaRequest) -> Granted:
    """Give a server its tokens, once, if the person agreed; else say what there is to wait for.

    Raises:
        OAuthRefusal: As ``redeem``.
    """
    polled = Polled(raw_code=request.raw_request_id, prefix=KIND, grant_type=CIBA)
    return await redeem(work, parts=parts, caller=caller, polled=polled)
