"""A provider's answer that comes as a form from its own site (Apple): one hop, then as others.

Our cookie is not sent with another site's POST, so that nothing here can tell whose browser it
is. The answer goes on as a navigation to the same address, which brings the cookie; only there
is the journey taken, bound to that browser. Nothing is read of the database here.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.kernel.errors import MalformedRequest, NotFound
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_CARRIED: Final = ("state", "code", "error", "iss", "user")
"""What is read of an answer; an ID token beside the code is asked for and believed nowhere."""
_MAX_CHARS: Final = 4096
_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


async def come_back_by_post(request: Request, work: Work) -> Response:
    """Send the browser on with what the provider said.

    Raises:
        MalformedRequest: ``callback_invalid``: too long to be an answer.
        NotFound: ``provider_unknown``: the path names none.
    """
    check_rate(request, "login")
    _ = work
    form = await read_form(request)
    told = {name: value for name in _CARRIED if (value := form.one(name)) is not None}
    if sum(map(len, told.values())) > _MAX_CHARS:
        raise MalformedRequest("callback_invalid", "The provider's answer can't be read.")
    provider = request.path_params["provider"]
    if not _ID.fullmatch(provider):
        raise NotFound("provider_unknown", "There is no such provider here.")
    return see_other(page_url(request, f"/api/v1/auth/oauth2/{provider}/callback", **told))
