"""``/dev/ciba/{auth_req_id}/{allow|deny}``: answers for the person, in development alone."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.oauth.decoupled.answer_for_person import answer_for_person
from limen.oauth.parts import Parts
from limen.web.development import DevelopmentOnly
from limen.web.exchange import route

PATH: Final = "/dev/ciba/{request_id}/{answer}"


def routes(parts: Parts, *, base_url: str) -> list[BaseRoute]:
    """Return the address, by GET too: suites know no other way."""

    async def answer(request: Request, work: Work) -> Response:
        raw_request_id = Secret(request.path_params["request_id"])
        allowed = request.path_params["answer"]
        await answer_for_person(
            work, raw_request_id=raw_request_id, answer=allowed, desk=parts.desk
        )
        return Response(status_code=204)

    guard = DevelopmentOnly(base_url)
    return [route(PATH, answer, methods=("GET", "POST"), guard=guard, face="json")]
