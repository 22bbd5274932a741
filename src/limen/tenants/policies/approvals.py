"""How long requests wait that a person approves elsewhere."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_MINUTE = 60


class ApprovalsPolicy(BaseModel):
    """How long requests wait that a person approves on another screen.

    Attributes:
        device_seconds: For somebody to type a device's code (RFC 8628).
        backchannel_seconds: For somebody to answer what a server has them asked (CIBA).
        backchannel_most_seconds: The longest that a server may ask for.
        interval_seconds: Between two polls; each that comes earlier adds five.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device_seconds: int = Field(10 * _MINUTE, ge=_MINUTE, le=60 * _MINUTE)
    backchannel_seconds: int = Field(5 * _MINUTE, ge=_MINUTE, le=60 * _MINUTE)
    backchannel_most_seconds: int = Field(15 * _MINUTE, ge=_MINUTE, le=24 * 60 * _MINUTE)
    interval_seconds: int = Field(5, ge=1, le=60)
