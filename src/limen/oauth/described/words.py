"""How an operation is written in OpenAPI 3.1: short, so that the endpoints read as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

from limen.oauth.described.errors import ERRORS, SAID_AS, Refused

Schema = dict[str, Any]
FORM: Final = "application/x-www-form-urlencoded"
TAG: Final = "OAuth 2.1 and OpenID Connect"

STRING: Final[Schema] = {"type": "string"}
URI: Final[Schema] = {"type": "string", "format": "uri"}
SECONDS: Final[Schema] = {"type": "integer", "minimum": 0}

CLIENT_AUTHENTICATION: Final[Sequence[Mapping[str, Sequence[str]]]] = (
    {"clientSecretBasic": ()},
    {"clientCertificate": ()},
    {},
)
"""Any of the ways; the last is ``CREDENTIALS``, members of the form, which no scheme can say."""

CREDENTIALS: Final[Mapping[str, Schema]] = {
    "client_id": {
        **STRING,
        "description": (
            "Who asks; not needed beside `Authorization: Basic` or an assertion. Alone it is "
            "enough for a public client (`none`), and beside a client certificate."
        ),
    },
    "client_secret": {
        **STRING,
        "description": "Instead of `Authorization: Basic`, never beside it.",
    },
    "client_assertion": {
        **STRING,
        "description": "A JWT of the client's own (`private_key_jwt`, `client_secret_jwt`).",
    },
    "client_assertion_type": {
        "type": "string",
        "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        "description": "With `client_assertion`.",
    },
}
"""The members of a form that authenticate a client (RFC 6749 section 2.3.1, RFC 7521)."""

ONE_WAY: Final = (
    "The client authenticates in one way per request. One with a secret may send it as "
    "`Authorization: Basic` or as `client_secret` in the body, whichever of the two it registered."
)

_PAGELESS: Final = {
    "type": "about:blank",
    "title": HTTPStatus.BAD_REQUEST.phrase,
    "status": 400,
    "detail": "A parameter is missing, repeated or malformed.",
    "code": "invalid_request",
}
"""Where a tenant serves no pages."""

Face = Literal["oauth", "page", "both"]
"""How an endpoint refuses: with JSON, with a page, or as ``Accept`` says."""

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "clientSecretBasic": {
        "type": "http",
        "scheme": "basic",
        "description": "`client_secret_basic`: client id and secret, both form-encoded first.",
    },
    "clientCertificate": {
        "type": "mutualTLS",
        "description": "`tls_client_auth`, `self_signed_tls_client_auth`: with `client_id`.",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token; one bound by DPoP comes as `DPoP`, with a proof.",
    },
    "registrationToken": {"type": "http", "scheme": "bearer"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of an operation.

    Args:
        schema: A name among the schemas, or one written out; ``None`` for no body.
        example: Shown with it.
        media: The content type.
        headers: Header names with what they say.
        also: Further content types, each with its example.
    """

    says: str
    schema: str | Schema | None = None
    example: Any = None
    media: str = "application/json"
    headers: Mapping[str, str] | None = None
    also: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> dict[str, Any]:
        """Write it as OpenAPI does."""
        written: dict[str, Any] = {"description": self.says}
        if self.schema is not None:
            content: dict[str, Any] = {"schema": ref(self.schema)}
            if self.example is not None:
                content["example"] = self.example
            others = {
                media: {"schema": STRING, "example": shown} for media, shown in self.also.items()
            }
            written["content"] = {self.media: content, **others}
        if self.headers:
            written["headers"] = {
                name: {"description": says, "schema": STRING} for name, says in self.headers.items()
            }
        return written


def ref(schema: str | Schema) -> Schema:
    """Point to a named schema, or write one out."""
    return {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema


def members(
    properties: Mapping[str, Schema], *, required: Sequence[str] = (), **more: Any
) -> Schema:
    """Write an object."""
    written: Schema = {"type": "object", "properties": dict(properties), **more}
    return {**written, "required": list(required)} if required else written


def said(schema: Schema, description: str) -> Schema:
    """Add what a member says."""
    return {**schema, "description": description}


def form(schema: Schema, *, examples: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Write a form body with an example for each way to use it."""
    shown = {name: {"value": dict(value)} for name, value in examples.items()}
    return {"required": True, "content": {FORM: {"schema": schema, "examples": shown}}}


def client_form(
    properties: Mapping[str, Schema],
    *,
    examples: Mapping[str, Mapping[str, Any]],
    required: Sequence[str] = (),
) -> dict[str, Any]:
    """Write the form of an endpoint that authenticates clients."""
    return form(members({**properties, **CREDENTIALS}, required=required), examples=examples)


def body(schema: str | Schema, *, example: Any) -> dict[str, Any]:
    """Write a JSON body."""
    return {
        "required": True,
        "content": {"application/json": {"schema": ref(schema), "example": example}},
    }


def query(properties: Mapping[str, Schema], *, required: Sequence[str] = ()) -> list[Schema]:
    """Write query parameters."""
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {k: v for k, v in schema.items() if k != "description"},
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in properties.items()
    ]


def operation(
    operation_id: str,
    *,
    summary: str,
    says: str,
    answers: Mapping[int, Answer],
    errors: Sequence[str | Refused] = (),
    security: Sequence[Mapping[str, Sequence[str]]] = (),
    **more: Any,
) -> dict[str, Any]:
    """Write an operation.

    Args:
        operation_id: Unique in the document.
        summary: In a few words.
        says: The rest, with the specification's section.
        answers: By status.
        errors: The codes it may refuse with; each has its status and words in ``ERRORS``,
            unless they are told here. What every endpoint refuses is added to it later.
        security: Any one of them is enough.
        more: ``parameters``, ``requestBody``; and ``face``, which says how it refuses.
    """
    face: Face = more.pop("face", "oauth")
    responses = {str(status): answer.write() for status, answer in answers.items()}
    return {
        "operationId": operation_id,
        "tags": [TAG],
        "summary": summary,
        "description": says,
        "security": [{name: list(scopes) for name, scopes in one.items()} for one in security],
        **more,
        "responses": {**responses, **_refusals(errors, face)},
    }


def _refusals(codes: Sequence[str | Refused], face: Face) -> dict[str, Any]:
    by_status: dict[int, dict[str, Any]] = {}
    for told in codes:
        code, status, text = told if isinstance(told, Refused) else Refused(told, *ERRORS[told])
        shown = {"value": {"error": SAID_AS.get(code, code), "error_description": text}}
        by_status.setdefault(status, {})[code] = shown
    return {
        str(status): {
            "description": _list(examples),
            "content": _in_face(face, examples),
        }
        for status, examples in sorted(by_status.items())
    }


def _list(examples: Mapping[str, Mapping[str, Any]]) -> str:
    named = dict.fromkeys(shown["value"]["error"] for shown in examples.values())
    return "Refused: " + ", ".join(f"`{code}`" for code in named) + "."


def _in_face(face: Face, examples: Mapping[str, Any]) -> dict[str, Any]:
    as_json = {"application/json": {"schema": ref("OAuthError"), "examples": dict(examples)}}
    as_page = {
        "text/html": {"schema": STRING, "example": "A page that says why not."},
        "application/problem+json": {"schema": ref("Problem"), "example": _PAGELESS},
    }
    if face == "oauth":
        return as_json
    return as_page if face == "page" else {**as_json, "text/html": as_page["text/html"]}
