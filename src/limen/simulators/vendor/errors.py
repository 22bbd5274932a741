"""A vendor's refusals in its own words: what its entry reads as a class, written from the class."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.simulators.vendor.answers import put
from limen.simulators.vendor.shape import Shape

Refused = Literal["grant_dead", "client_broken", "bad_code", "bad_request", "bad_redirect"]

_CODES: Final[dict[Refused, str]] = {
    "grant_dead": "invalid_grant",
    "bad_code": "invalid_grant",
    "client_broken": "invalid_client",
    "bad_request": "invalid_request",
    "bad_redirect": "invalid_grant",
}
_FORM: Final = "application/x-www-form-urlencoded"


class Errors:
    """Write refusals and answers in a vendor's format."""

    def __init__(self, shape: Shape) -> None:
        self._entry, self._habits = shape.entry, shape.habits

    def refuse(self, request: Request, what: Refused, why: str) -> Response:
        """Return a refusal of the token endpoint."""
        body: dict[str, Any] = {"error": _CODES[what], "error_description": why}
        status = 401 if what == "client_broken" else 400
        if self._habits.error_status == 200:
            status = 200
        for rule in self._entry.errors:
            if rule.means == what:
                status = rule.status or status
                for pointer, value in rule.body.items():
                    put(body, pointer, [value] if pointer in self._habits.error_lists else value)
                break
        if what in {"bad_code", "bad_redirect"}:
            own = self._habits.bad_code if what == "bad_code" else self._habits.bad_redirect
            body["error"] = own or body["error"]
        return self.answer(request, body, status)

    def answer(self, request: Request, body: dict[str, Any], status: int = 200) -> Response:
        """Return an answer, as a form where the vendor does so unless asked otherwise."""
        wants_json = "json" in request.headers.get("accept", "")
        if self._habits.form_unless_asked and not wants_json:
            return Response(urlencode(body), status, media_type=_FORM)
        return JSONResponse(body, status)
