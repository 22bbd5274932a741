"""What a tenant asks of whoever signs in, and what its ``acr`` values mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ONE_FACTOR: Final = "urn:limen:acr:1"
"""Some factor: a password, a provider's word."""

TWO_FACTORS: Final = "urn:limen:acr:2"
"""Two that differ: a password and a one-time code, say."""

_MAX_VALUES: Final = 10

Acr = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")
]
"""An ``acr`` value: what may stand in the space-separated ``acr_values``."""


class AcrRule(BaseModel):
    """What an ``acr`` value stands for.

    Attributes:
        factors: How many different factors were proven.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: Literal[1, 2] = 1


class Terms(BaseModel):
    """The terms that people accept before they go on; a new version asks everybody again.

    Attributes:
        version: Compared whole; what was accepted is kept per person with its time.
        url: Where they can be read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    url: str = Field(max_length=2000, pattern=r"^https://[\x21\x23-\x7e]+$")


class AssurancePolicy(BaseModel):
    """What a tenant asks of whoever signs in.

    Attributes:
        acr: What each ``acr`` value a client may ask for requires.
        second_factor: ``required``: nobody enters without one; who has none enrols one first.
        terms: ``None`` where there is nothing to accept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    acr: Mapping[Acr, AcrRule] = Field(
        default_factory=lambda: {ONE_FACTOR: AcrRule(factors=1), TWO_FACTORS: AcrRule(factors=2)},
        max_length=_MAX_VALUES,
    )
    second_factor: Literal["optional", "required"] = "optional"
    terms: Terms | None = None
