"""The routes of the JSON API that are no FastAPI ones, described: a browser's, pictures, the proxy.

A test walks the routes and finds whatever is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from limen.oauth.described.words import STRING, URI, Answer, Schema, form, members, query, said

_AUTH: Final = "auth"
_CONNECTIONS: Final = "connections"
_PAGE: Final = Answer(says="A page that says why not.", schema=STRING, media="text/html")
_REFUSED: Final = dict.fromkeys((400, 403, 404, 405, 413, 415, 422, 429, 502, 503), _PAGE)
_BEARER: Final[list[dict[str, list[str]]]] = [{"accessToken": []}]
_IMAGE: Final[Schema] = {"type": "string", "format": "binary"}
_AS_THEY_COME: Final = "As the provider's API answers, without cookies and without the token."


def _problem(status: int, code: str, detail: str) -> Answer:
    phrase = HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": phrase, "status": status}
    return Answer(
        says=phrase,
        schema="Problem",
        example={**told, "detail": detail, "code": code},
        media="application/problem+json",
    )


def _operation(
    operation_id: str,
    *,
    tag: str,
    summary: str,
    says: str,
    path: Sequence[str],
    answers: Mapping[int, Answer],
    **more: Any,
) -> dict[str, Any]:
    """Write an operation; what every route may refuse with is added to it later."""
    named = [{"name": name, "in": "path", "required": True, "schema": STRING} for name in path]
    parameters = [*named, *more.pop("parameters", ())]
    return {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        "description": says,
        **({"parameters": parameters} if parameters else {}),
        **more,
        "responses": {str(status): answer.write() for status, answer in answers.items()},
    }


def _came_back(purpose: str, operation_id: str, tag: str) -> dict[str, Any]:
    return _operation(
        operation_id,
        tag=tag,
        summary=f"Come back from a provider: {purpose}",
        says=(
            "The provider sends the browser here; register this address there. The answer must "
            "come in the browser that left, with the `state` it left with, once, and with the "
            "provider's `iss` where it promises one (RFC 9207). A front end that began with "
            "`return_to` is told there what the provider refused."
        ),
        path=("provider",),
        parameters=query(
            {
                "code": said(STRING, "What the provider's token endpoint takes."),
                "state": said(STRING, "Of the journey; good once."),
                "iss": said(URI, "Who answers."),
                "error": said(STRING, "Instead of a code: `access_denied` and others."),
            }
        ),
        answers={
            303: Answer(
                says="On: to where the journey goes, or to the front end that waits.",
                headers={"Location": "With `ticket` and `state`, or `error`, for a front end."},
            ),
            401: _PAGE,
            409: _PAGE,
            **_REFUSED,
        },
    )


_START: Final = _operation(
    "startSignInWithProvider",
    tag=_AUTH,
    summary="Leave for a provider, to sign in",
    says=(
        "Send the browser here. With `return_to`, at an origin of the tenant's "
        "`allowed_origins`, it comes back there with a ticket that is good once, with the "
        "verifier of `code_challenge`; without, it is signed in here."
    ),
    path=("provider",),
    parameters=query(
        {
            "continue": said(STRING, "Where our own pages go on; signed by us."),
            "return_to": said(URI, "Where the front end waits."),
            "code_challenge": said(STRING, "base64url of the SHA-256 of its verifier."),
            "state": said(STRING, "Comes back as it is."),
        }
    ),
    answers={
        303: Answer(
            says="To the provider.",
            headers={
                "Location": "https://accounts.google.com/o/oauth2/v2/auth?…",
                "Set-Cookie": "Binds the journey to this browser.",
            },
        ),
        401: _PAGE,
        **_REFUSED,
    },
)
_POSTED: Final = {
    **_came_back("with a form", "finishSignInByPost", _AUTH),
    "description": (
        "Where a provider's own site posts its answer (Apple's `form_post`): the browser is "
        "sent on once to the same address by GET, which brings our cookie."
    ),
    "parameters": [{"name": "provider", "in": "path", "required": True, "schema": STRING}],
    "requestBody": form(
        members(dict.fromkeys(("code", "state", "iss", "error", "user"), STRING)),
        examples={"a code": {"code": "c0d3…", "state": "lmu_…"}},
    ),
}
_TAKE_EVENT: Final = _operation(
    "takeProviderEvent",
    tag=_CONNECTIONS,
    summary="Take a provider's signed event",
    says=(
        "Providers call this: Google's Cross-Account Protection with a security event token "
        "(RFC 8417, pushed as RFC 8935 has it), GitHub and Slack with their webhook signatures. "
        "The grant that it names ends. `PUT …/providers/{provider}/push-secret` names the "
        "address."
    ),
    path=("provider", "tenant_key"),
    requestBody={
        "required": True,
        "content": {
            "application/secevent+jwt": {"schema": STRING, "example": "eyJ…"},
            "application/json": {
                "schema": {"type": "object"},
                "example": {"action": "revoked", "sender": {"id": 118}},
            },
        },
    },
    security=[],
    answers={
        202: Answer(says="Taken; one that came before is taken again and does nothing."),
        200: Answer(
            says="Slack asks once whether this is the address it should call.",
            schema=members({"challenge": STRING}),
            example={"challenge": "3eZbrw1a…"},
        ),
        400: Answer(
            says="It is not believed (RFC 8935 section 2.3); which check failed is not said.",
            schema=members({"err": STRING, "description": STRING}),
            example={"err": "invalid_request", "description": "This event is not believed."},
            headers={"Content-Language": "en"},
        ),
        413: _problem(413, "request_too_large", "The body may have 65536 bytes at most."),
    },
)
_PICTURE: Final = members({"picture_url": URI}, required=("picture_url",))


def _proxied(method: str) -> dict[str, Any]:
    has_body = method in {"post", "put", "patch"}
    body = {
        "required": False,
        "content": {
            "application/json": {"schema": {}, "example": {"summary": "Lunch"}},
            "application/octet-stream": {"schema": _IMAGE, "example": "bytes"},
        },
    }
    return _operation(
        f"{method}ByProxy",
        tag=_CONNECTIONS,
        summary="Call the provider's API without holding its token",
        says=(
            "The call goes to `https://{host}/{path}` with the connection's token, to the hosts "
            "of the provider's API alone. No redirect is followed; the token is struck out of "
            "the answer. After a 401 it is made once more with a newer token. `path` keeps its "
            "slashes. Needs `connections:proxy`; a client needs its owner's consent."
        ),
        path=("connection_id", "host", "path"),
        parameters=[
            {
                "name": "Limen-Feature",
                "in": "header",
                "required": False,
                "schema": STRING,
                "description": "What the connection must be good for.",
            }
        ],
        security=_BEARER,
        **({"requestBody": body} if has_body else {}),
        answers={
            200: Answer(
                says=_AS_THEY_COME,
                headers={"Limen-Upstream": "The host that answered; absent from our own answers."},
            ),
            502: _problem(
                502, "provider_unavailable", "The provider can't renew this token at the moment."
            ),
        },
    )


BROWSERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/api/v1/auth/oauth2/{provider}/start": {"get": _START},
    "/api/v1/auth/oauth2/{provider}/callback": {
        "get": _came_back("signing in", "finishSignIn", _AUTH),
        "post": _POSTED,
    },
    "/api/v1/oauth/{provider}/callback": {
        "get": _came_back("connecting", "finishConnect", _CONNECTIONS)
    },
}
"""Visited by browsers: they refuse with a page, unless the tenant serves none."""

OTHERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/api/v1/auth/oauth2/profile/picture": {
        "put": _operation(
            "putOwnPicture",
            tag=_AUTH,
            summary="Use a picture of one's own",
            says=(
                "The body is the image itself: JPEG, PNG, WebP or GIF. It is decoded and made "
                "anew, so that nothing hidden in it is served."
            ),
            path=(),
            security=_BEARER,
            requestBody={
                "required": True,
                "content": {
                    kind: {"schema": _IMAGE, "example": "the image's bytes"}
                    for kind in ("image/png", "image/jpeg", "image/webp", "image/gif")
                },
            },
            answers={
                200: Answer(
                    says="Where it is served from now on.",
                    schema=_PICTURE,
                    example={"picture_url": "https://id.example/pictures/0194c0b1-…"},
                ),
                413: _problem(413, "request_too_large", "The picture is too large."),
                415: _problem(
                    415, "unsupported_content_type", "Send a JPEG, PNG, WebP or GIF image."
                ),
            },
        ),
        "delete": _operation(
            "deleteOwnPicture",
            tag=_AUTH,
            summary="Show no picture",
            says="Nothing that a provider says fills its place.",
            path=(),
            security=_BEARER,
            answers={204: Answer(says="Gone.")},
        ),
    },
    "/pictures/{picture_id}": {
        "get": _operation(
            "getPicture",
            tag=_AUTH,
            summary="Get a picture",
            says=(
                "What `picture` of a profile or an ID token names. The address is random and "
                "names one very image: a new one has a new address."
            ),
            path=("picture_id",),
            security=[],
            answers={200: Answer(says="The image.", schema=_IMAGE, media="image/webp")},
        )
    },
    "/logos/{logo_id}": {
        "get": _operation(
            "getClientLogo",
            tag="interactions",
            summary="Get a client's logo",
            says=(
                "What `logo_url` of a client names: our own copy of what its `logo_uri` showed "
                "when it was registered. A new one has a new address."
            ),
            path=("logo_id",),
            security=[],
            answers={200: Answer(says="The image.", schema=_IMAGE, media="image/webp")},
        )
    },
    "/api/v1/oauth/events/{provider}/{tenant_key}": {"post": _TAKE_EVENT},
    "/api/v1/oauth/connections/{connection_id}/proxy/{host}/{path}": {
        method: _proxied(method) for method in ("get", "post", "put", "patch", "delete")
    },
}
"""They refuse with problem details, as the rest of the JSON API."""
