"""Write ``docs/error-codes.md`` from what the code refuses with (``make docs``)."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import limen
from limen.kernel.errors import OAuthRefusal, Refusal
from limen.oauth.described.errors import ERRORS, OTHER_ERRORS
from limen.web.errors import STATUS

TARGET = Path(__file__).resolve().parent / "error-codes.md"
SOURCE = Path(limen.__file__).resolve().parent
MOST_TEXTS: Final = 2
ABROAD: Final = {"cli", "simulators", "testing"}
"""What refuses there never answers a caller of ours."""

HEAD = """\
# Error codes

Made by `make docs` from the code; don't edit by hand. Codes are stable; the texts are for people
and may become better. Both kinds say what was wrong with *your* request and nothing about others.

## At `/oauth2/*`

A JSON body with `error` and `error_description` (RFC 6749 §5.2), or the same two as parameters of
the redirect or of the page. A resource says its code in `WWW-Authenticate` (RFC 6750 §3).

| `error` | Status | What it means |
|---|---|---|
"""

BETWEEN = """
## At `/api/v1/*`

A problem (RFC 9457, `application/problem+json`): `code` is one of these, `detail` the text, and
`field` or `errors` the members at fault. `…` stands for what the text names. A code with two
statuses depends on where it is said.

| `code` | Status | What it says |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Said:
    """One place that refuses.

    Args:
        code: As in the answer.
        status: HTTP status.
        text: What it says; empty if that is the code itself in words.
    """

    code: str
    status: int
    text: str


def render() -> str:
    """Return the document."""
    told = sorted([*ERRORS.items(), *OTHER_ERRORS.items()])
    oauth = [_row(code, f"{status}", text) for code, (status, text) in told]
    found: dict[str, list[Said]] = defaultdict(list)
    for said in problems():
        found[said.code].append(said)
    json_api = [_json_row(code, found[code]) for code in sorted(found)]
    return HEAD + "\n".join(oauth) + "\n" + BETWEEN + "\n".join(json_api) + "\n"


def problems() -> Iterator[Said]:
    """Every refusal of the JSON API that the code spells out, and the kinds' own codes."""
    kinds = {kind.__name__: kind for kind in STATUS if not issubclass(kind, OAuthRefusal)}
    for kind in kinds.values():
        if kind is not Refusal:
            yield Said(kind.default_code, STATUS[kind], "")
    for path in sorted(path for path in SOURCE.rglob("*.py") if ABROAD.isdisjoint(path.parts)):
        yield from _of_module(ast.parse(path.read_text(encoding="utf-8")), kinds)


def _of_module(tree: ast.Module, kinds: Mapping[str, type[Refusal]]) -> Iterator[Said]:
    makers = dict(kinds)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name):
            made = kinds.get(node.returns.id)
            if made and node.args.args and node.args.args[0].arg == "code":
                makers[node.name] = made
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            called, code = makers.get(node.func.id), _text(node.args[0])
            if called is not None and code:
                yield Said(code, STATUS[called], _public(node))


def _public(call: ast.Call) -> str:
    named = [each.value for each in call.keywords if each.arg == "public"]
    given = [*call.args[1:2], *named]
    return _text(given[0]) if given else ""


def _text(node: ast.expr) -> str:
    """Return the text of a literal; what is put in at run time is an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    return ""


def _json_row(code: str, said: list[Said]) -> str:
    statuses = sorted({each.status for each in said})
    texts = list(dict.fromkeys(each.text for each in said if each.text))
    shown = texts[:MOST_TEXTS] or [code.replace("_", " ").capitalize() + "."]
    return _row(code, " or ".join(map(str, statuses)), " / ".join(shown))


def _row(code: str, status: str, text: str) -> str:
    return f"| `{code}` | {status} | {text.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"docs/{TARGET.name}")
