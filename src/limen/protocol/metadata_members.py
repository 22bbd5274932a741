"""Read the JSON members of a registration: right type, right size, or a typed refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from limen.kernel.errors import InvalidInput

Choice = TypeVar("Choice", bound=str)

MAX_TEXT_CHARACTERS: Final = 2048
MAX_DOCUMENT_CHARACTERS: Final = 65_536


class Members:
    """A JSON object whose members are read by name; absent, ``null`` and empty are one.

    Args:
        raw: As decoded from JSON; every value may be anything.
    """

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw

    def invalid(self, field: str, problem: str) -> InvalidInput:
        """Make the refusal for a member."""
        return InvalidInput("invalid_client_metadata", f"{field}: {problem}", field=field)

    def text(self, field: str, *, longest: int = MAX_TEXT_CHARACTERS) -> str | None:
        """Return a text without control characters (N212, N239)."""
        value = self._raw.get(field)
        if value is None or value == "":
            return None
        return self._check_text(field, value, longest=longest)

    def texts(self, field: str, *, most: int) -> tuple[str, ...]:
        """Return a list of texts, each once, in order."""
        value = self._raw.get(field)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self.invalid(field, "must be a list.")
        if len(value) > most:
            raise self.invalid(field, f"at most {most} are kept.")
        return tuple(
            dict.fromkeys(
                self._check_text(field, item, longest=MAX_TEXT_CHARACTERS) for item in value
            )
        )

    def choice(self, field: str, *, of: Sequence[Choice], default: Choice) -> Choice:
        """Return one of the values we know."""
        value = self.text(field)
        if value is None:
            return default
        if value not in of:
            raise self.invalid(field, f"must be one of {', '.join(of)}.")
        return cast("Choice", value)

    def choices(
        self, field: str, *, of: Sequence[Choice], default: tuple[Choice, ...]
    ) -> tuple[Choice, ...]:
        """Return several of the values we know; the default only when the member is absent."""
        if self._raw.get(field) is None:
            return default
        values = self.texts(field, most=20)
        if not set(values) <= set(of):
            raise self.invalid(field, f"may hold {', '.join(of) or 'nothing'}.")
        return cast("tuple[Choice, ...]", values)

    def optional_choice(self, field: str, *, of: Sequence[Choice]) -> Choice | None:
        """Return one of the values we know, or ``None``."""
        value = self.text(field)
        return None if value is None else self.choice(field, of=of, default=of[0])

    def document(self, field: str) -> dict[str, Any] | None:
        """Return a JSON object, small enough to be kept."""
        value = self._raw.get(field)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.invalid(field, "must be an object.")
        if len(self._written(field, value)) > MAX_DOCUMENT_CHARACTERS:
            raise self.invalid(field, f"at most {MAX_DOCUMENT_CHARACTERS} characters of JSON.")
        return value

    def _written(self, field: str, value: object) -> str:
        """Write a value as JSON; NUL and lone surrogates choke databases (N212)."""
        try:
            written = json.dumps(value, allow_nan=False, ensure_ascii=False)
            written.encode()
        except (ValueError, RecursionError):
            raise self.invalid(field, "holds what is no JSON.") from None
        if "\\u0000" in written:
            raise self.invalid(field, "control characters are not allowed.")
        return written

    def flag(self, field: str, *, default: bool) -> bool:
        """Return a JSON boolean; the words for it are refused."""
        value = self._raw.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(field, "must be true or false.")
        return value

    def whole_number(self, field: str, *, most: int) -> int | None:
        """Return a whole number from zero up."""
        value = self._raw.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise self.invalid(field, f"must be a whole number from 0 to {most}.")
        return value

    def _check_text(self, field: str, value: object, *, longest: int) -> str:
        if not isinstance(value, str):
            raise self.invalid(field, "must be text.")
        if len(value) > longest:
            raise self.invalid(field, f"at most {longest} characters.")
        if any(not character.isprintable() for character in value):
            raise self.invalid(field, "control characters are not allowed.")
        return value
