"""Claims that a tenant adds to tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from limen.kernel.errors import InvalidInput
from limen.protocol.claims_mapping import check_rules


class ClaimsPolicy(BaseModel):
    """Claims that a tenant adds, each from a fact or fixed; resources may add their own.

    Attributes:
        access_token: To every access token; a resource's rule for the same claim wins.
        id_token: To every ID token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_token: Mapping[str, Any] = {}
    id_token: Mapping[str, Any] = {}

    @field_validator("access_token", "id_token")
    @classmethod
    def _can_be_followed(cls, rules: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            check_rules(rules, field="claims")
        except InvalidInput as refused:
            raise ValueError(refused.public) from None
        return rules
