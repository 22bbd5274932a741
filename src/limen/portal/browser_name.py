"""What people call the browser behind a user agent."""

from __future__ import annotations

from typing import Final

from limen.web.languages.words import Words, marked

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "A Python program"),
)
"""In this order: most browsers also claim to be those further down."""

_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> Words:
    """Return a name such as ``Firefox on Windows``; a guess, and only for reading."""
    folded = user_agent.lower()
    browser = _first(_BROWSERS, folded)
    system = _first(_SYSTEMS, folded)
    if browser and system:
        return Words("%(browser)s on %(system)s", {"browser": browser, "system": system})
    return Words(browser or system or marked("Unknown browser"))


def _first(named: tuple[tuple[str, str], ...], folded: str) -> str:
    return next((name for mark, name in named if mark.lower() in folded), "")
