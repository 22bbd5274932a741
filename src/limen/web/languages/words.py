"""A text whose values are filled in once it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says in somebody's language, and JSON in English.

    Args:
        text: In English, as the catalogues have it; ``%(name)s`` stands for a value.
        values: Never translated, and escaped by whoever shows them.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    @override
    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


def marked(text: str) -> str:
    """Return a text as it is; the catalogues are to have it, for it is translated where shown."""
    return text
