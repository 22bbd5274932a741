"""Which of our languages somebody reads best. Pure.

It remembers nothing: whatever is sent, memory stays as it is (N234).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

Language = Literal["en", "de", "fr", "es"]
DEFAULT: Final = "en"
SPOKEN: Final[tuple[Language, ...]] = get_args(Language)
"""BCP 47 language tags; a region or script after one of them is understood and not told apart."""

_MOST_TAGS: Final = 20
_MOST_CHARACTERS: Final = 1000


def choose(tags: Iterable[str]) -> str:
    """Return the first of our languages among tags, best first; empty if there is none.

    Args:
        tags: As BCP 47 has them, in any case: ``de-CH`` is ``de``.
    """
    for number, tag in enumerate(tags):
        if number == _MOST_TAGS:
            break
        language = tag.partition("-")[0].lower()
        if language in SPOKEN:
            return language
    return ""


def read_accepted(header: str) -> list[str]:
    """Return the tags of an ``Accept-Language``, best first (RFC 9110 section 12.5.4).

    What can't be read is left out: a header is no reason to refuse anybody a page.
    """
    found: list[tuple[float, int, str]] = []
    for number, part in enumerate(header[:_MOST_CHARACTERS].split(",")[:_MOST_TAGS]):
        tag, _, rest = part.strip().partition(";")
        weight = _weight(rest.strip())
        if tag and weight > 0:
            found.append((-weight, number, tag.strip()))
    return [tag for _, _, tag in sorted(found)]


def _weight(raw: str) -> float:
    if not raw:
        return 1.0
    name, _, value = raw.partition("=")
    digits = value.strip().replace(".", "", 1)
    if name.strip().lower() != "q" or not (digits.isascii() and digits.isdecimal()):
        return 0.0
    return min(1.0, float(value.strip()))
