"""Where an entry's URLs stand at a simulator: every URL keeps its path and loses its host."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_NAME: Final = re.compile(r"\{([a-z_]+)\}")


def path_of(url: str) -> str:
    """Return the route of a URL template; what completes its path stays a parameter of it."""
    path = urlsplit(_NAME.sub(r"__\1__", url)).path
    return re.sub(r"__([a-z_]+)__", r"{\1}", path) or "/"


def filled(path: str, params: dict[str, str]) -> str:
    """Complete a route with the parameters another request had."""
    return _NAME.sub(lambda found: params.get(found[1], found[1]), path)
