"""Read a JSON object that an operator hands over as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limen.kernel.errors import InvalidInput


def read_json_object(file: Path | None, *, field: str) -> dict[str, Any]:
    """Return what a file says; nothing for no file.

    Args:
        file: As the option names it.
        field: What it holds, for the message.

    Raises:
        InvalidInput: ``file_unreadable``: it is not there, or holds no JSON object.
    """
    if file is None:
        return {}
    try:
        said = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(
            "file_unreadable", f"{file}: {error.strerror or 'can not be read'}.", field=field
        ) from None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise InvalidInput("file_unreadable", f"{file}: no JSON object.", field=field)
    return said
