"""How a moment is written in a language; always in UTC."""

from __future__ import annotations

import datetime as dt
from typing import Final

_DAY: Final = {"en": "{0:%-d} {0:%B} {0:%Y}", "de": "{0:%-d}.{0:%-m}.{0:%Y}"}
_MINUTE: Final = {
    "en": "{0:%-d} {0:%b} {0:%Y}, {0:%H:%M} UTC",
    "de": "{0:%-d}.{0:%-m}.{0:%Y}, {0:%H:%M} UTC",
}
_MAILED: Final = {"en": "{0:%d} {0:%B} {0:%Y} at {0:%H:%M} UTC", "de": _MINUTE["de"]}
_OTHER_DAY: Final = "{0:%d}/{0:%m}/{0:%Y}"
_OTHER_MINUTE: Final = "{0:%d}/{0:%m}/{0:%Y}, {0:%H:%M} UTC"


def day_in(language: str, moment: dt.datetime) -> str:
    """Return the day."""
    return _DAY.get(language, _OTHER_DAY).format(moment)


def minute_in(language: str, moment: dt.datetime) -> str:
    """Return day and time, short, for a list."""
    return _MINUTE.get(language, _OTHER_MINUTE).format(moment)


def mailed_in(language: str, moment: dt.datetime) -> str:
    """Return day and time, for a sentence."""
    return _MAILED.get(language, _OTHER_MINUTE).format(moment)
