"""Pictures: one's own, put and removed; and each served to whoever has its address."""

from __future__ import annotations

from typing import Final

from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public, signed_in
from limen.accounts.profile.encode import MEDIA_TYPE
from limen.accounts.profile.pictures import PATH, Encoder, keep_own, read_picture, remove_own
from limen.db.work import Work
from limen.kernel.errors import UnsupportedContent
from limen.signin.endpoints.provider.schemas import PictureAnswer
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.rate_limit import check_rate

_KINDS: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
_SERVED: Final = {
    # An address names one very image: a new one has a new address.
    "cache-control": "public, max-age=31536000, immutable",
    "content-disposition": "inline",
    "cross-origin-resource-policy": "cross-origin",
}


class Pictures:
    """Put, remove, serve."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    async def put(self, request: Request, work: Work) -> Response:
        """Use an uploaded picture from now on; the body is the image itself."""
        check_rate(request, "sign_up")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise UnsupportedContent(public="Send a JPEG, PNG, WebP or GIF image.")
        actor = await authenticate(request, work)
        given = await request.body()
        await work.let_go()
        image = await self._encoder.encode(given)
        url = await keep_own(work, user_id=actor.id, image=image)
        return JSONResponse(PictureAnswer(picture_url=url).model_dump())

    async def remove(self, request: Request, work: Work) -> Response:
        """Show no picture; nothing that a provider says fills its place."""
        actor = await authenticate(request, work)
        await remove_own(work, user_id=actor.id)
        return Response(status_code=204)

    async def serve(self, request: Request, work: Work) -> Response:
        """Serve a picture."""
        check_rate(request, "page")
        image = await read_picture(work, picture_id=request.path_params["picture_id"])
        return Response(image, media_type=MEDIA_TYPE, headers=_SERVED)


def pages(encoder: Encoder, *, prefix: str) -> list[BaseRoute]:
    """Return the routes that take and remove one's own."""
    ours = Pictures(encoder)
    path = f"{prefix}/auth/oauth2/profile/picture"
    return [
        route(path, ours.put, guard=signed_in(), face="json", methods=["PUT"]),
        route(path, ours.remove, guard=signed_in(), face="json", methods=["DELETE"]),
    ]


def served(encoder: Encoder) -> list[BaseRoute]:
    """Return the route that serves pictures."""
    guard = public("relying parties show it; its address is random, and given to them alone")
    return [route(PATH + "/{picture_id}", Pictures(encoder).serve, guard=guard, face="json")]
