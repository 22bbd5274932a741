"""What a tenant asks of DPoP proofs (RFC 9449)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class DpopPolicy(BaseModel):
    """What a tenant asks of DPoP proofs.

    Attributes:
        nonce: Who must put a nonce of ours into its proofs: nobody (``accepted``: one that is
            sent is checked all the same); clients under FAPI 2.0 where they get tokens
            (``fapi``); everybody, at our own resources too (``always``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nonce: Literal["accepted", "fapi", "always"] = "accepted"
