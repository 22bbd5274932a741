"""What a text is in a language: one catalogue for each, read at its first use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Final

from limen.web.languages.negotiate import DEFAULT, SPOKEN
from limen.web.languages.words import Words

Say = Callable[[str], str]
_FIELDS: Final = ("msgid", "msgstr")


def say_in(language: str) -> Say:
    """Return what translates texts; what a catalogue lacks stays English."""
    if language == DEFAULT or language not in SPOKEN:
        return str
    known = catalogue_of(language)
    return lambda text: known.get(text) or text


def say_words(say: Say, said: str | Words) -> str:
    """Return a text, or words with their values, in a language."""
    if isinstance(said, Words):
        text = say(said.text)
        return text % said.values if said.values else text
    return say(said)


@cache  # one for each language that is spoken, and no more
def catalogue_of(language: str) -> Mapping[str, str]:
    """Return a language's catalogue."""
    assert language in SPOKEN
    file = resources.files("limen.web.languages") / f"{language}.po"
    return parse_catalogue(file.read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> dict[str, str]:
    """Read the texts of a gettext catalogue: singular ones, fuzzy ones left out.

    Args:
        text: Of the whole file, as GNU gettext writes it.

    Raises:
        ValueError: It is none.
    """
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    field, is_fuzzy = "", False
    for line in (*text.splitlines(), ""):
        if line.startswith("#,"):
            is_fuzzy = "fuzzy" in line
        elif line.startswith('"'):
            entry[field] = entry.get(field, "") + _unquoted(line)
        elif not line:
            if entry.get("msgid") and entry.get("msgstr") and not is_fuzzy:
                found[entry["msgid"]] = entry["msgstr"]
            entry, is_fuzzy = {}, False
        elif not line.startswith("#"):
            field, _, rest = line.partition(" ")
            if field not in _FIELDS:
                raise ValueError(f"no line of a catalogue: {line}")
            entry[field] = _unquoted(rest)
    return found


def _unquoted(raw: str) -> str:
    try:
        read = json.loads(raw)  # gettext's escapes are among JSON's
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"no string of a catalogue: {raw}") from error
    if not isinstance(read, str):
        raise ValueError(f"no string of a catalogue: {raw}")  # noqa: TRY004 -- the file is at fault
    return read
