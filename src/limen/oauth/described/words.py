"""How an operation is written in OpenAPI 3.1: short, so that the endpoints read as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.oauth.described.errors import ERRORS, SAID_AS

Schema = dict[str, Any]
FORM: Final = "application/x-www-form-urlencoded"
TAG: Final = "OAuth 2.1 and OpenID Connect"

STRING: Final[Schema] = {"type": "string"}
URI: Final[Schema] = {"type": "string", "format": "uri"}
SECONDS: Final[Schema] = {"type": "integer", "minimum": 0}

CLIENT_AUTHENTICATION: Final[Sequence[Mapping[str, Sequence[str]]]] = (
    {"clientSecretBasic": ()},
    {"clientInBody": ()},
)
"""Any of the ways; which one, a client's registration says."""

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "clientSecretBasic": {
        "type": "http",
        "scheme": "basic",
        "description": "`client_secret_basic`: client id and secret, both form-encoded first.",
    },
    "clientInBody": {
        "type": "apiKey",
        "in": "query",
        "name": "client_id",
        "description": (
            "In the form body, never in the query: `client_id` with `client_secret` "
            "(`client_secret_post`), with `client_assertion` and `client_assertion_type` "
            "(`private_key_jwt`, `client_secret_jwt`), with a TLS certificate, or alone (`none`)."
        ),
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
    """

    says: str
    schema: str | Schema | None = None
    example: Any = None
    media: str = "application/json"
    headers: Mapping[str, str] | None = None

    def write(self) -> dict[str, Any]:
        """Write it as OpenAPI does."""
        written: dict[str, Any] = {"description": self.says}
        if self.schema is not None:
            content: dict[str, Any] = {"schema": ref(self.schema)}
            if self.example is not None:
                content["example"] = self.example
            written["content"] = {self.media: content}
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
    errors: Sequence[str] = (),
    security: Sequence[Mapping[str, Sequence[str]]] = (),
    **more: Any,
) -> dict[str, Any]:
    """Write an operation.

    Args:
        operation_id: Unique in the document.
        summary: In a few words.
        says: The rest, with the specification's section.
        answers: By status.
        errors: The codes it may refuse with; each has its status and words in ``ERRORS``.
        security: Any one of them is enough.
        more: ``parameters``, ``requestBody``.
    """
    responses = {str(status): answer.write() for status, answer in answers.items()}
    return {
        "operationId": operation_id,
        "tags": [TAG],
        "summary": summary,
        "description": says,
        "security": [{name: list(scopes) for name, scopes in one.items()} for one in security],
        **more,
        "responses": {**responses, **_refusals(errors)},
    }


def _refusals(codes: Sequence[str]) -> dict[str, Any]:
    by_status: dict[int, dict[str, Any]] = {}
    for code in codes:
        status, text = ERRORS[code]
        shown = {"value": {"error": SAID_AS.get(code, code), "error_description": text}}
        by_status.setdefault(status, {})[code] = shown
    return {
        str(status): {
            "description": "Refused: " + ", ".join(f"`{code}`" for code in examples) + ".",
            "content": {"application/json": {"schema": ref("OAuthError"), "examples": examples}},
        }
        for status, examples in sorted(by_status.items())
    }
