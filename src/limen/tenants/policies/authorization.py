"""What a tenant asks of every authorization request, beside what its clients registered."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, StrictBool


class AuthorizationPolicy(BaseModel):
    """What a tenant asks of every authorization request.

    Attributes:
        require_pushed: Requests are pushed (RFC 9126 section 5).
        require_signed: Requests are signed request objects (RFC 9101 section 10.5).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    require_pushed: StrictBool = False
    require_signed: StrictBool = False
