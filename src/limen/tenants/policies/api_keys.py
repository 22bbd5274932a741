"""What API keys may be."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from limen.tenants.policies.kinds import Scope


class ApiKeyPolicy(BaseModel):
    """What API keys may be.

    Attributes:
        people: Whether people may make keys for themselves; service accounts always have them.
        scopes: What people may let their keys do at the tenant's resources. At our own API a key
            may do what its owner may, whatever stands here.
        default_days: How long a key lives that says nothing.
        max_days: How long one may live at most, and at most again after each rotation.
        max_overlap_hours: How long the old one may go on beside the new.
        most: How many one person or service account may have at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: StrictBool = True
    scopes: tuple[Scope, ...] = Field((), max_length=200)
    default_days: int = Field(90, ge=1, le=3650)
    max_days: int = Field(365, ge=1, le=3650)
    max_overlap_hours: int = Field(72, ge=0, le=24 * 30)
    most: int = Field(50, ge=0, le=1000)

    @model_validator(mode="after")
    def _lifetimes_fit(self) -> ApiKeyPolicy:
        if self.default_days > self.max_days:
            raise ValueError("default_days exceeds max_days")
        return self
