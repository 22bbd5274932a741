"""Tell results and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
InTenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="In which tenant.")]
FromCursor = Annotated[
    str, typer.Option("--cursor", metavar="CURSOR", help="Where the page before ended.")
]


def tell(result: Mapping[str, Any], *, as_json: bool, words: str = "") -> None:
    """Print a result to standard output.

    Args:
        result: What JSON shows; also what is shown as lines when there are no words.
        as_json: As the option says.
        words: What a person reads instead.
    """
    if as_json:
        print(json.dumps(result, ensure_ascii=False, default=str))
        return
    if words:
        print(harmless(words))
        return
    width = max((len(name) for name in result), default=0)
    for name, value in result.items():
        shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
        line = f"{name.replace('_', ' '):<{width}}  {'-' if shown is None else shown}"
        print(harmless(line))


def tell_page(
    page: Mapping[str, Any],
    *,
    line: Callable[[Mapping[str, Any]], str],
    none: str,
    as_json: bool,
    note: str = "",
) -> None:
    """Print one page of a list: a line for each, and how to see the next ones.

    Args:
        page: ``next_cursor``, and the one list beside it under a name of its own.
        line: What a person reads of one.
        none: What they read if there is none.
        as_json: As the option says.
        note: What they read below.
    """
    (things,) = (value for value in page.values() if isinstance(value, list | tuple))
    lines = [line(each) for each in things] or [none]
    if page["next_cursor"]:
        lines.append(f"There are more: --cursor {page['next_cursor']}")
    if note:
        lines.append(note)
    tell(page, as_json=as_json, words="\n".join(lines))


def harmless(text: str) -> str:
    """Spell out whatever would move a terminal's cursor, or colour, rename or operate it (N276).

    Names that strangers and administrators chose are among what is told.
    """
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )


def progress(line: str) -> None:
    """Print what is being done to standard error, so that standard output stays the result."""
    print(f"… {line}", file=sys.stderr, flush=True)


def complain(*lines: str, as_json: bool = False, code: str = "error") -> None:
    """Print errors to standard error, one line each."""
    for line in lines:
        told = (
            json.dumps({"error": code, "detail": line}) if as_json else f"Error: {harmless(line)}"
        )
        print(told, file=sys.stderr, flush=True)


def read_secret(what: str, *, from_stdin: bool) -> str:
    """Read a secret from standard input, or ask a person for it; never from the arguments.

    Arguments are seen by every process of the machine and kept in the shell's history.

    Raises:
        typer.BadParameter: If there is nobody to ask, or nothing to read.
    """
    if from_stdin:
        secret = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        secret = str(typer.prompt(what, hide_input=True, confirmation_prompt=True))
    else:
        raise typer.BadParameter(f"give the {what.lower()} on standard input")
    if not secret:
        raise typer.BadParameter(f"the {what.lower()} is empty")
    return secret


def split(words: Sequence[str] | None) -> tuple[str, ...]:
    """Take apart what was said once as a space-separated list, or again and again, or both."""
    return tuple(word for each in words or () for word in each.split())
