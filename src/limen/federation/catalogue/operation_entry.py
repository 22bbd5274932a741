"""Addresses and operations as an entry writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from limen.federation.facts import Headers, Part
from limen.federation.provider import BodyFormat, ClientAuth

Url = Annotated[
    str,
    StringConstraints(
        max_length=2048,
        pattern=r"^https?://[a-z0-9.{}_-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%{}/?-]*)?$",
    ),
]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9.-]+(/[^\s?#]*)?$")]


class OperationEntry(Part):
    """One operation; authentication and format belong to it, not to the provider.

    Attributes:
        token_param: For operations about a token: the parameter it travels in; empty where it
            stands in the URL or is the bearer.
    """

    url: Url
    method: Literal["GET", "POST", "DELETE"] = "POST"
    client_auth: ClientAuth = "post"
    body: BodyFormat = "form"
    params: dict[str, str] = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    token_param: str = ""
