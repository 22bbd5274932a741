"""The OpenAPI document says what there is: no OAuth endpoint missing, none made up."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from limen.app.described.document import document, operation_id
from limen.app.described.plain import BROWSERS, OTHERS
from limen.oauth.described.discovery import PATHS
from limen.oauth.described.errors import ERRORS
from limen.oauth.described.tokens import EXAMPLES, FIELDS
from limen.oauth.described.words import CREDENTIALS
from limen.protocol.token_request import GRANT_TYPES
from limen.web.errors import STATUS
from tests.architecture.source import ROOT
from tests.architecture.test_routes import built, json_api, walked

OURS_ALONE = {"/oauth2/authorize/continue", "/oauth2/logout/answer"}
"""Only our own pages go there."""

NOT_DESCRIBED = {
    **dict.fromkeys(OURS_ALONE, "only our own pages go there"),
    **dict.fromkeys(
        (
            "/account",
            "/approve",
            "/consent",
            "/device",
            "/forgot-password",
            "/invitation",
            "/reset-password",
            "/sign-in",
            "/sign-out",
            "/sign-up",
            "/verify-email",
        ),
        "a page for people, in HTML",
    ),
    "/dev": "development alone has it",
}
"""By the beginning of the path, and why. ``/`` leads to one of these pages."""

PAGE = (ROOT / "docs" / "error-codes.md").read_text(encoding="utf-8")
METHODS = {"get", "post", "put", "delete", "patch"}


@functools.cache
def described() -> dict[str, Any]:
    api = FastAPI(title="Limen", generate_unique_id_function=operation_id)
    for router in built().json_api():
        api.include_router(router)
    return document(api)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described()["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_oauth_endpoint_is_described_and_no_other() -> None:
    there = {
        (path, method.lower())
        for route in built().pages
        if (path := getattr(route, "path", "")).startswith(("/oauth2/", "/.well-known/"))
        for method in getattr(route, "methods", ())
        if method != "HEAD" and path not in OURS_ALONE
    }
    described = {(path, method) for path, item in PATHS.items() for method in METHODS & item.keys()}
    assert described == there


def test_every_operation_has_an_id_of_its_own_and_says_what_it_does() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert sorted({one for one in ids if ids.count(one) > 1}) == []
    silent = [path for path, _, operation in operations() if not operation.get("summary")]
    assert silent == []


def test_every_reference_leads_somewhere() -> None:
    schemas = described()["components"]["schemas"]
    answers = described()["components"]["responses"]
    lost = {
        ref
        for ref in references(described())
        if ref.rpartition("/")[2] not in (answers if "/responses/" in ref else schemas)
    }
    assert lost == set()


def test_every_answer_has_an_example() -> None:
    bare = [
        (path, method, status)
        for path, method, operation in operations()
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        if "example" not in content
        and "examples" not in content
        and content["schema"] != {"type": "string"}
    ]
    assert bare == []


def spoken(value: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """All shapes with what is said to be an example of them."""
    if isinstance(value, dict):
        if isinstance(value.get("schema"), dict):
            told = [each["value"] for each in value.get("examples", {}).values()]
            told += [value["example"]] if "example" in value else []
            yield from ((value["schema"], one) for one in told)
        for each in value.values():
            yield from spoken(each)
    elif isinstance(value, list):
        for each in value:
            yield from spoken(each)


def test_every_example_is_of_its_shape() -> None:
    components, told = described()["components"], defaultdict(list)
    for schema, example in spoken(described()["paths"]):
        told[json.dumps(schema)].append(example)
    wrong = [
        (example, problem.message)
        for schema, examples in told.items()
        for holds in [Draft202012Validator({**json.loads(schema), "components": components})]
        for example in examples
        for problem in holds.iter_errors(example)
    ]
    assert wrong == []


def test_there_is_an_example_for_every_grant() -> None:
    assert {example["grant_type"] for example in EXAMPLES.values()} == set(GRANT_TYPES)
    assert FIELDS["grant_type"]["enum"] == list(GRANT_TYPES)
    for example in EXAMPLES.values():
        assert set(example) <= set(FIELDS)


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_code_is_said_by_some_endpoint(code: str) -> None:
    used = {
        name
        for path, _, operation in operations()
        if path in PATHS
        for answer in operation["responses"].values()
        for name in answer.get("content", {}).get("application/json", {}).get("examples", {})
    }
    assert code in used
    assert ERRORS[code][0] in set(STATUS.values())


def test_every_route_of_the_json_api_says_how_it_refuses() -> None:
    for path, method, operation in operations():
        if path in PATHS or path in BROWSERS:
            continue
        assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys(), path
        assert ("{" not in path) or "404" in operation["responses"], path
        assert method == "get" or "409" in operation["responses"], path
        assert "HTTPValidationError" not in str(operation), path


def told_codes(answer: dict[str, Any]) -> Iterator[str]:
    """The codes that a refusal's own shapes and examples can have."""
    for content in answer.get("content", {}).values():
        if isinstance(content.get("example"), dict):
            yield content["example"].get("code", content["example"].get("error", ""))
        for ref in references(content["schema"]):
            shape = described()["components"]["schemas"][ref.rpartition("/")[2]]
            code = shape["properties"].get("code", {})
            yield from [*code.get("enum", ()), *([code["const"]] if "const" in code else ())]


def test_every_code_that_the_document_tells_is_on_the_page_of_codes() -> None:
    told = {
        code
        for _, _, operation in operations()
        for status, answer in operation["responses"].items()
        if status >= "400"
        for code in told_codes(answer)
    }
    assert {"mfa_required", "terms_required", "mailbox_proof_required"} <= told
    assert {code for code in told if code and f"| `{code}` |" not in PAGE} == set()


def test_problems_are_told_as_problems() -> None:
    wrong = [
        (path, method, status, media)
        for path, method, operation in operations()
        if path not in PATHS and path not in BROWSERS
        for status, answer in operation["responses"].items()
        if status >= "400" and not path.startswith("/api/v1/oauth/events/")
        for media in answer.get("content", {})
        if media != "application/problem+json"
    ]
    assert wrong == []


def test_every_body_says_that_it_may_be_too_large_or_of_the_wrong_kind() -> None:
    shared = described()["components"]["responses"]
    for path, _, operation in operations():
        answers = operation["responses"]
        assert "405" in answers, path
        if "requestBody" in operation:
            assert {"413", "415"} <= answers.keys(), path
    used = {ref.rpartition("/")[2] for ref in references(described()) if "/responses/" in ref}
    assert used == set(shared)


def test_who_authenticates_clients_says_with_which_members() -> None:
    for path, _, operation in operations():
        if "clientSecretBasic" in str(operation.get("security")):
            form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
            assert set(CREDENTIALS) <= form["schema"]["properties"].keys(), path
    assert not [
        name
        for name, scheme in described()["components"]["securitySchemes"].items()
        if scheme.get("in") == "query"
    ]


def test_no_body_is_shown_empty() -> None:
    empty = [
        (path, method)
        for path, method, operation in operations()
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in part.get("content", {}).values()
        if "example" in content and content["example"] in ({}, None)
    ]
    assert empty == []


def test_every_route_is_described_or_is_a_page_of_ours() -> None:
    described_here = {(path, method) for path, method, _ in operations()}
    missing = [
        (demand.path, method)
        for demand in walked()
        for method in demand.methods - {"HEAD"}
        if (demand.path.replace(":path}", "}"), method.lower()) not in described_here
        and demand.path != "/"
        and not any(demand.path.startswith(prefix) for prefix in NOT_DESCRIBED)
    ]
    assert sorted(missing) == []
    there = {demand.path for demand in walked()}
    idle = [
        prefix for prefix in NOT_DESCRIBED if not any(path.startswith(prefix) for path in there)
    ]
    assert idle == []


def test_no_plain_route_is_described_that_is_not_there() -> None:
    there = {
        (demand.path.replace(":path}", "}"), method.lower())
        for demand in walked()
        for method in demand.methods
    }
    told = {(path, method) for path, item in {**BROWSERS, **OTHERS}.items() for method in item}
    assert told - there == set()


def test_the_json_api_is_described_by_itself() -> None:
    paths = {path for path, _, _ in operations()}
    assert {"/api/v1/auth/login", "/api/v1/admin/clients"} <= paths
    assert json_api().routes
