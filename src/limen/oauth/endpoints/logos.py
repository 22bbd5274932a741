"""``/logos/{logo_id}``: our copy of a client's logo, for pages of ours and of front ends.

CORS: none; an image is shown from anywhere.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.profile.encode import MEDIA_TYPE
from limen.db.work import Work
from limen.oauth.registry.logo import PATH, read_logo
from limen.web.exchange import route
from limen.web.rate_limit import check_rate

_SERVED: Final = {
    # A new logo has a new address; what was withdrawn is gone within the hour.
    "cache-control": "public, max-age=3600",
    "content-disposition": "inline",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}


def routes() -> list[BaseRoute]:
    """Return the address, which says no more than the consent page does."""
    guard = public("whoever is asked for a consent sees it, and front ends show it for us")
    return [route(PATH + "/{logo_id}", serve, guard=guard, face="json")]


async def serve(request: Request, work: Work) -> Response:
    """Serve a logo."""
    check_rate(request, "page")
    image = await read_logo(work, logo_id=request.path_params["logo_id"])
    return Response(image, media_type=MEDIA_TYPE, headers=_SERVED)
