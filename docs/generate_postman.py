"""Write ``docs/limen.postman_collection.json`` from the OpenAPI document (``make docs``)."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from limen.app.compose import compose
from limen.app.described.document import document, operation_id
from limen.settings import load

TARGET = Path(__file__).resolve().parent / "limen.postman_collection.json"

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS: Final = ("get", "post", "put", "patch", "delete")
UNKNOWN: Final = "00000000-0000-7000-8000-000000000000"

VARIABLES: Final = {
    "baseUrl": "http://localhost:8000",
    "email": "owner@example.org",
    "password": "",
    "accessToken": "",
    "clientId": "",
    "clientSecret": "",
    "registrationToken": "",
    "identifier": "https://api.example",
    "subject": "somebody",
    "provider": "google",
    "role": "auditor",
    "step": "accept_terms",
    "userCode": "BCDF-GHJK",
}
"""What a reader sets or a request stores; any other identifier starts as one nobody has."""

ENDINGS: Final = {
    ("post", "/api/v1/auth/logout"),
    ("post", "/api/v1/auth/password/change"),
    ("post", "/api/v1/auth/password/reset"),
    ("post", "/api/v1/admin/tokens/revoke"),
    ("post", "/oauth2/revoke"),
}
"""They end what other requests need, as every DELETE does: they come last."""

CHECK: Final = """\
const answers = JSON.parse(pm.variables.get("answers"));
const said = String(pm.response.code);
pm.test("the document names this status", () => pm.expect(answers).to.have.property(said));
pm.test("the document names this content type", () => {
  const types = answers[said] ?? [];
  const type = (pm.response.headers.get("Content-Type") ?? "").split(";")[0];
  if (types.length) pm.expect(types).to.include(type);
  if (type.endsWith("json") && pm.response.text()) pm.response.json();
});"""

LOGIN: Final = """\
pm.test("signed in", () => pm.response.to.have.status(200));
pm.collectionVariables.set("accessToken", pm.response.json().access_token);"""

CLIENT: Final = """\
pm.test("made", () => pm.response.to.have.status(201));
pm.collectionVariables.set("clientId", pm.response.json().client_id);
pm.collectionVariables.set("clientSecret", pm.response.json().client_secret);"""

Described = Mapping[str, Any]


def render() -> str:
    """Return the collection."""
    described = _described()
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                folder = _folder(method, path, item[method])
                folders.setdefault(folder, []).append(_request(method, path, item[method]))
    endings = folders.pop("Endings")
    names = sorted({*VARIABLES, *_used([folders, endings])})
    collection = {
        "info": {
            "name": "Limen",
            "description": "Set `baseUrl`, `email` and `password` (of an owner), run the folder"
            " `Start here`, then whatever you like. Made by `make docs`.",
            "schema": SCHEMA,
        },
        "auth": _bearer("accessToken"),
        "event": [_event("test", CHECK)],
        "variable": [{"key": name, "value": VARIABLES.get(name, UNKNOWN)} for name in names],
        "item": [
            {"name": "Start here", "item": _start(described["paths"])},
            *({"name": name, "item": items} for name, items in folders.items()),
            {"name": "Endings", "item": endings},
        ],
    }
    return json.dumps(collection, indent=1, ensure_ascii=False) + "\n"


def _described() -> dict[str, Any]:
    """Return the document of an installation as `limen serve` makes it."""
    with tempfile.TemporaryDirectory(prefix="limen-postman-") as folder:
        config = Path(folder) / "limen.toml"
        config.touch()
        environment = {"LIMEN_ENVIRONMENT": "development", "LIMEN_DATA_DIR": folder}
        routers = compose(load(environment, config=config)).capabilities.json_api()
    api = FastAPI(title="Limen", generate_unique_id_function=operation_id)
    for router in routers:
        api.include_router(router)
    return document(api)


def _folder(method: str, path: str, operation: Described) -> str:
    if method == "delete" or (method, path) in ENDINGS:
        return "Endings"
    return str(operation["tags"][0])


def _start(paths: Described) -> list[dict[str, Any]]:
    """Return the requests that sign in and make the client which the others use."""
    login = {"email": "{{email}}", "password": "{{password}}"}
    client = {
        "name": "From Postman",
        "type": "web",
        "redirect_uris": ["https://app.example/callback"],
        "scope": "openid profile email offline_access",
    }
    steps = (
        ("Sign in", "/api/v1/auth/login", login, LOGIN),
        ("Make a client", "/api/v1/admin/clients", client, CLIENT),
    )
    made = []
    for name, path, body, script in steps:
        item = _request("post", path, paths[path]["post"])
        item["name"] = name
        item["request"]["body"] = _json_body(body)
        item["event"].append(_event("test", script))
        made.append(item)
    made[0]["request"]["auth"] = {"type": "noauth"}
    return made


def _request(method: str, path: str, operation: Described) -> dict[str, Any]:
    """Return one operation as a request with its example body."""
    answers = {
        status: list(answer.get("content", {})) for status, answer in operation["responses"].items()
    }
    request: dict[str, Any] = {
        "method": method.upper(),
        "url": _url(path, operation.get("parameters", [])),
        "header": [],
        "description": operation.get("description", operation["summary"]),
    }
    if "security" in operation:
        request["auth"] = _auth(operation["security"])
    if content := operation.get("requestBody", {}).get("content"):
        media, held = next(iter(content.items()))
        request["header"].append({"key": "Content-Type", "value": media})
        request["body"] = _body(media, _example(held))
    said = json.dumps(answers)
    item = {
        "name": f"{operation['summary']} ({method.upper()} {path})",
        "event": [_event("prerequest", f'pm.variables.set("answers", {json.dumps(said)});')],
        "request": request,
    }
    if "303" in answers:
        item["protocolProfileBehavior"] = {"followRedirects": False}
    return item


def _url(path: str, parameters: Iterable[Described]) -> dict[str, Any]:
    filled = re.sub(r"\{(\w+)\}", lambda found: _variable(found[1]), path)
    query = [
        {"key": one["name"], "value": _variable(one["name"])}
        if one.get("required")
        else {"key": one["name"], "value": "", "disabled": True}
        for one in parameters
        if one["in"] == "query"
    ]
    sent = "&".join(f"{one['key']}={one['value']}" for one in query if "disabled" not in one)
    return {
        "raw": "{{baseUrl}}" + filled + (f"?{sent}" if sent else ""),
        "host": ["{{baseUrl}}"],
        "path": filled.strip("/").split("/"),
        "query": query,
    }


def _variable(name: str) -> str:
    first, *others = name.split("_")
    return "{{" + first + "".join(word.capitalize() for word in others) + "}}"


def _used(part: object) -> Iterator[str]:
    yield from re.findall(r"\{\{(\w+)\}\}", json.dumps(part))


def _auth(security: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    schemes = {name for way in security for name in way}
    if "clientSecretBasic" in schemes:
        pair = {"username": "{{clientId}}", "password": "{{clientSecret}}"}
        listed = [{"key": key, "value": value, "type": "string"} for key, value in pair.items()]
        return {"type": "basic", "basic": listed}
    if "registrationToken" in schemes:
        return _bearer("registrationToken")
    return _bearer("accessToken") if "accessToken" in schemes else {"type": "noauth"}


def _bearer(variable: str) -> dict[str, Any]:
    token = {"key": "token", "value": "{{" + variable + "}}", "type": "string"}
    return {"type": "bearer", "bearer": [token]}


def _example(held: Described) -> Any:
    if "examples" in held:
        return next(iter(held["examples"].values()))["value"]
    return held["example"]


def _body(media: str, example: Any) -> dict[str, Any]:
    if media == "application/x-www-form-urlencoded":
        known = {**example, **({"client_id": "{{clientId}}"} if "client_id" in example else {})}
        return {
            "mode": "urlencoded",
            "urlencoded": [{"key": key, "value": str(value)} for key, value in known.items()],
        }
    return _json_body(example) if media.endswith("json") else {"mode": "raw", "raw": str(example)}


def _json_body(body: Any) -> dict[str, Any]:
    return {"mode": "raw", "raw": json.dumps(body, indent=2, ensure_ascii=False)}


def _event(when: str, script: str) -> dict[str, Any]:
    return {"listen": when, "script": {"type": "text/javascript", "exec": script.split("\n")}}


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"docs/{TARGET.name}: made")
