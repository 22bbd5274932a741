"""Read and validate the entries that ship with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pydantic import ValidationError

from limen.federation.catalogue.entry import Entry
from limen.kernel.errors import ConfigurationError


@cache
def load_entries() -> dict[str, Entry]:
    """Return every shipped entry, validated, by id.

    Raises:
        ConfigurationError: An entry is not what the schema says; names every problem.
    """
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for file in _entry_files(files(__package__) / "entries"):
        try:
            entry = Entry.model_validate(tomllib.loads(file.read_text("utf-8")))
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{file.name}: {error}")
            continue
        if f"{entry.id}.toml" != file.name:
            problems.append(f"{file.name}: its id is {entry.id}")
        if entry.id in entries:
            problems.append(f"{file.name}: there is another of this name")
        entries[entry.id] = entry
    if problems:
        raise ConfigurationError(*problems)
    return entries


def _entry_files(folder: Traversable) -> Iterator[Traversable]:
    for each in sorted(folder.iterdir(), key=lambda found: found.name):
        if each.is_dir():
            yield from _entry_files(each)
        elif each.name.endswith(".toml"):
            yield each
