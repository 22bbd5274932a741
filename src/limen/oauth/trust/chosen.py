"""What an administrator chose, read strictly: what is misspelt must not be silently off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from limen.kernel.errors import InvalidInput
from limen.protocol.resource_indicator import is_resource

ANY: Final = "*"


class Chosen(BaseModel):
    """The base of what is kept as one JSON document."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    refused_as: ClassVar[str]

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """Read it from JSON members.

        Raises:
            InvalidInput: With the code ``refused_as``, naming the first member at fault.
        """
        try:
            return cls.model_validate(dict(members))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            said = f"{field}: {first['msg']}." if field else f"{first['msg']}."
            raise InvalidInput(cls.refused_as, said, field=field) from None


def names(chosen: tuple[str, ...], value: str) -> bool:
    """Say whether a list names a value, or all of them; an empty one names none."""
    return value in chosen or ANY in chosen


def names_resource(chosen: tuple[str, ...], identifier: str) -> bool:
    """Say whether a list names a resource, compared as resources are, or all of them."""
    return names(chosen, identifier) or any(is_resource(each, identifier) for each in chosen)
