"""APIs whose scopes are known beforehand, to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from limen.kernel.errors import InvalidInput
from limen.oauth.registry.create_resource import NewResource

ExampleName = Literal["open-badges"]
EXAMPLE_NAMES: Final[tuple[ExampleName, ...]] = get_args(ExampleName)

_OB: Final = "https://purl.imsglobal.org/spec/ob/v3p0/scope/"


@dataclass(frozen=True, slots=True)
class Example:
    """What an API is called, and what people read of its scopes at consent."""

    name: str
    texts: Mapping[str, str]


_EXAMPLES: Final[Mapping[str, Example]] = {
    # Open Badges 3.0, section 6.1.1 of the specification: the scopes of its API.
    "open-badges": Example(
        "Open Badges",
        {
            f"{_OB}credential.readonly": "See your badges",
            f"{_OB}credential.upsert": "Add badges to your collection, and change them",
            f"{_OB}profile.readonly": "See your badge profile",
            f"{_OB}profile.update": "Change your badge profile",
        },
    ),
}


def example_resource(example: str, *, identifier: str, name: str = "") -> NewResource:
    """Return one of the examples, for an API at this address.

    Args:
        example: One of ``EXAMPLE_NAMES``.
        identifier: An absolute URI: where the API is.
        name: In place of the example's.

    Raises:
        InvalidInput: ``example_unknown``.
    """
    found = _EXAMPLES.get(example)
    if found is None:
        raise InvalidInput(
            "example_unknown", f"The examples are: {', '.join(EXAMPLE_NAMES)}.", field="example"
        )
    return NewResource(
        identifier=identifier,
        name=name or found.name,
        scopes=tuple(found.texts),
        texts=found.texts,
    )
