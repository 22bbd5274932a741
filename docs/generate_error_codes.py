"""Write ``docs/error-codes.md`` from what the code refuses with (``make docs``)."""

from __future__ import annotations

import ast
import functools
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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

Function = ast.FunctionDef | ast.AsyncFunctionDef

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
    known = Known.of(_modules())
    for kind in known.kinds.values():
        if kind is not Refusal and not issubclass(kind, OAuthRefusal):
            yield Said(kind.default_code, _status(kind), "")
    for tree in _modules().values():
        yield from _shapes(tree)
        for call, kind, codes in _refusals(tree, known):
            if not issubclass(kind, OAuthRefusal):
                for code in codes:
                    yield Said(code, _status(kind), _public(call))


def unread() -> list[str]:
    """Return the places whose code can't be told from the source: the page may lack one.

    What passes on another refusal's code is none of them.
    """
    trees = _modules()
    known = Known.of(trees)
    return [
        f"{path.relative_to(SOURCE)}: {ast.unparse(call)}"
        for path, tree in trees.items()
        for call, _, codes in _refusals(tree, known)
        if not codes and not _passes_on(call)
    ]


@functools.cache
def _modules() -> Mapping[Path, ast.Module]:
    paths = sorted(path for path in SOURCE.rglob("*.py") if ABROAD.isdisjoint(path.parts))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@dataclass(frozen=True, slots=True)
class Maker:
    """A function that makes a refusal of the code it is given.

    Args:
        kind: What it makes.
        place: Where among its positional parameters the code stands; ``None`` for by name alone.
        default: The code without one.
    """

    kind: type[Refusal]
    place: int | None
    default: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the whole source says.

    Args:
        kinds: Of refusals that are given a code, by name.
        makers: Functions that any module may import, by module and name.
        members: By name, the texts that classes give a member: the codes of ``cls.refused_as``.
        names: The texts of constants.
    """

    kinds: Mapping[str, type[Refusal]]
    makers: Mapping[tuple[str, str], Maker]
    members: Mapping[str, list[str]]
    names: Mapping[str, str]

    @classmethod
    def of(cls, trees: Mapping[Path, ast.Module]) -> Known:
        """Gather it."""
        kinds = {kind.__name__: kind for kind in [*_below(Refusal), *STATUS]}
        makers: dict[tuple[str, str], Maker] = {}
        members: dict[str, list[str]] = defaultdict(list)
        names: dict[str, str] = {}
        for path, tree in trees.items():
            module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
            makers |= {(module, name): maker for name, maker in _makers(tree, kinds)}
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    for name, text in _assigned(node.body):
                        members[name] += [text] * bool(text)
            names.update({name: text for name, text in _assigned(tree.body) if text})
        return cls(kinds, makers, members, names)


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("limen.kernel"):
            yield each
            yield from _below(each)


def _status(kind: type[Refusal]) -> int:
    return next(STATUS[each] for each in kind.__mro__ if each in STATUS)


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, _text(node.value)


def _functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _makers(tree: ast.Module, kinds: Mapping[str, type[Refusal]]) -> Iterator[tuple[str, Maker]]:
    """Yield the functions that hand a parameter ``code`` on to a refusal."""
    for function in _functions(tree):
        places = [each.arg for each in function.args.args]
        named = [each.arg for each in function.args.kwonlyargs]
        if "code" not in {*places, *named}:
            continue
        for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
            kind = kinds.get(_called(call))
            if kind and call.args and any(map(_is_code, _ways(call.args[0]))):
                place = places.index("code") if "code" in places else None
                yield function.name, Maker(kind, place, _default(function))


def _default(function: Function) -> str:
    given = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return next((_text(value) for each, value in given if each.arg == "code" and value), "")


def _refusals(
    tree: ast.Module, known: Known
) -> Iterator[tuple[ast.Call, type[Refusal], list[str]]]:
    """Yield each place that refuses with a code, and the codes; none where we can't tell."""
    own = dict(_makers(tree, known.kinds))
    makers = {**_imported(tree, known), **own}
    around = {id(node): function for function in _functions(tree) for node in ast.walk(function)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name, function = _called(call), around.get(id(call))
        if (kind := known.kinds.get(name)) is not None:
            said, default = call.args[0] if call.args and _takes_code(kind) else None, ""
        elif name in makers:
            maker = makers[name]
            kind, said, default = maker.kind, _given(call, maker), maker.default
        else:
            continue
        ways = [] if said is None else [last for way in _ways(said) for last in _set(way, function)]
        codes = [code for way in ways for code in _codes(way, known)] or [default] * bool(default)
        is_handed_on = function is not None and function.name in own and any(map(_is_code, ways))
        if codes or (ways and not is_handed_on):
            yield call, kind, codes


def _imported(tree: ast.Module, known: Known) -> dict[str, Maker]:
    return {
        alias.name: known.makers[node.module, alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if (node.module, alias.name) in known.makers
    }


def _set(node: ast.expr, function: Function | None) -> list[ast.expr]:
    """Return what a name of a function was set to, each way; a parameter is none."""
    if not isinstance(node, ast.Name) or function is None:
        return [node]
    given = [
        each.value
        for each in ast.walk(function)
        if isinstance(each, ast.Assign) and any(_is_named(one, node.id) for one in each.targets)
    ]
    return [way for value in given for way in _ways(value)] or [node]


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _takes_code(kind: type[Refusal]) -> bool:
    return list(inspect.signature(kind).parameters)[:1] == ["code"]


def _given(call: ast.Call, maker: Maker) -> ast.expr | None:
    by_name = next((each.value for each in call.keywords if each.arg == "code"), None)
    if by_name is None and maker.place is not None and len(call.args) > maker.place:
        return call.args[maker.place]
    return by_name


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _ways(node: ast.expr) -> list[ast.expr]:
    return [*_ways(node.body), *_ways(node.orelse)] if isinstance(node, ast.IfExp) else [node]


def _is_code(node: ast.expr) -> bool:
    return _is_named(node, "code")


def _codes(node: ast.expr, known: Known) -> list[str]:
    match node:
        case ast.Name(id=name):
            return [known.names[name]] if name in known.names else []
        case ast.Attribute(attr=name) if name != "code":
            return list(dict.fromkeys(known.members.get(name, ())))
        case _:
            return [text] if (text := _text(node)) else []


def _shapes(tree: ast.Module) -> Iterator[Said]:
    """Yield the codes of problems that have a shape of their own: a class with a ``status``."""
    aliases = {
        name: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name in (each.id for each in node.targets if isinstance(each, ast.Name))
    }
    for shape in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        fields = {
            node.target.id: node.annotation
            for node in shape.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        if not {"status", "code", "detail"} <= fields.keys():
            continue
        for status in _literals(fields["status"], aliases):
            for code in _literals(fields["code"], aliases):
                yield Said(str(code), int(str(status)), _beside(tree, str(code)))


def _literals(node: ast.expr, aliases: Mapping[str, ast.Assign]) -> list[object]:
    if isinstance(node, ast.Name) and node.id in aliases:
        return _literals(aliases[node.id].value, aliases)
    if isinstance(node, ast.Subscript):
        inner = node.slice
        each = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        return [one.value for one in each if isinstance(one, ast.Constant)]
    return []


def _beside(tree: ast.Module, code: str) -> str:
    """Return the text that stands beside a code in a table."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and _text(node.elts[0]) == code:
            return _text(node.elts[1])
    return ""


def _passes_on(call: ast.Call) -> bool:
    """Whether the code is that of a refusal that was caught: somebody else's, and read there."""
    said = call.args[0] if call.args else None
    return isinstance(said, ast.Attribute) and said.attr == "code"


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
